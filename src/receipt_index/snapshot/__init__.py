"""The published state of one collection: blocks, packs of changed pages, and one manifest."""
