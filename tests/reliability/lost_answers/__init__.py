"""Every AWS call is performed and its answer lost: nothing that was done is done again or late."""
