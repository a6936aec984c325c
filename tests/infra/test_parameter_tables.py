"""The tables of parameters in the pages are those of template.yaml and of Terraform's files."""

from tests.infra.parameter_tables import SETTINGS, TERRAFORM, settings_page, terraform_page
from tests.infra.serverless.settings_parameters import PARAMETERS

COMMAND = ".venv/bin/python -m tests.infra.parameter_tables writes the tables"


def test_the_page_of_settings_has_the_parameters_of_the_template() -> None:
    page = SETTINGS.read_text()
    assert settings_page(page) == page, COMMAND


def test_the_page_of_terraform_has_its_variables_and_outputs() -> None:
    page = TERRAFORM.read_text()
    assert terraform_page(page) == page, COMMAND


def test_a_new_parameter_and_another_default_get_into_the_page() -> None:
    parameters = {}
    for name, parameter in PARAMETERS.items():
        parameters[name] = {**parameter, **({"Default": 7} if name == "QueueBatchSize" else {})}
        if name == "EnableWordUpdates":
            parameters["EnableLetterUpdates"] = {
                **parameter,
                "Description": "Whether the stream processor queues changes of letters.",
            }
    page = settings_page(SETTINGS.read_text(), parameters)
    assert "| `QueueBatchSize` | 7 | 1 to 10,000 | " in page
    words, letters = page.split("| `EnableWordUpdates` |")[1].split("\n")[:2]
    assert words.endswith("changes of words. |")
    assert letters == (
        "| `EnableLetterUpdates` | true | true, false | "
        "Whether the stream processor queues changes of letters. |"
    )


def test_a_parameter_that_is_gone_leaves_the_page() -> None:
    parameters = {name: one for name, one in PARAMETERS.items() if name != "StreamRecordAge"}
    assert "StreamRecordAge" not in settings_page(SETTINGS.read_text(), parameters)
