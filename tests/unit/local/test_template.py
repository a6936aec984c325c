"""The quick form of the local AWS reads template.yaml, and refuses what it cannot read."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from local.quick.declared import functions_of, roles_of
from local.quick.template import Resolver, TemplateError, parameter_values, read_template
from local.quick.typed import typed

CONDITIONS = {
    "Yes": {"Fn::Equals": ["a", {"Ref": "Letter"}]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
    "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
}


def resolved(node: Any, **known: Any) -> Any:
    return Resolver({"Conditions": CONDITIONS}, {"Letter": "a", **known}).of(node)


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Letter"}, "a"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Fn::Sub": "${Letter}-${AWS::AccountId}"}, "a-000000000000"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "arn"),
        ({"Fn::If": ["Yes", {"Ref": "Letter"}, 2]}, "a"),
        ({"Fn::If": ["No", 1, 2]}, 2),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"kept": 1, "left out": {"Ref": "AWS::NoValue"}}, {"kept": 1}),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        ({"Keys": {"PK": [{"Ref": "Letter"}]}}, {"Keys": {"PK": ["a"]}}),
    ],
)
def test_an_intrinsic_function_is_replaced_by_its_value(node: Any, value: Any) -> None:
    assert resolved(node, **{"Role.Arn": "arn"}) == value


@pytest.mark.parametrize(
    ("node", "named"),
    [
        ({"Fn::ImportValue": "x"}, "Fn::ImportValue"),
        ({"Fn::Sub": ["${x}", {"x": 1}]}, "Fn::Sub"),
        ({"Ref": "Elsewhere"}, "Elsewhere"),
        ({"Fn::GetAtt": ["Role", "RoleId"]}, r"Role\.RoleId"),
        ({"Fn::If": ["Never", 1, 2]}, "Never"),
    ],
)
def test_an_unknown_intrinsic_function_or_name_is_an_error_that_names_it(
    node: Any, named: str
) -> None:
    with pytest.raises(TemplateError, match=named):
        resolved({"Deep": [node]})


def test_an_unknown_function_in_a_condition_is_an_error() -> None:
    template = {"Conditions": {"Odd": {"Fn::Contains": [["a"], "a"]}}}
    with pytest.raises(TemplateError, match="Fn::Contains"):
        Resolver(template, {}).of({"Fn::If": ["Odd", 1, 2]})


def test_a_tag_is_read_as_the_long_form(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "a: !Ref X\n"
        "b: !GetAtt Role.Arn\n"
        "c: !Sub '${X}-1'\n"
        "d: !If [Always, !Ref X, !Ref AWS::NoValue]\n"
        "e: !And [!Condition One, !Not [!Equals [1, 2]]]\n"
    )
    assert read_template(path) == {
        "a": {"Ref": "X"},
        "b": {"Fn::GetAtt": ["Role", "Arn"]},
        "c": {"Fn::Sub": "${X}-1"},
        "d": {"Fn::If": ["Always", {"Ref": "X"}, {"Ref": "AWS::NoValue"}]},
        "e": {"Fn::And": [{"Condition": "One"}, {"Fn::Not": [{"Fn::Equals": [1, 2]}]}]},
    }


@pytest.mark.parametrize("text", ["a: [", "- a"])
def test_a_file_that_is_no_template_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    with pytest.raises(TemplateError, match=r"template\.yaml is not a template"):
        read_template(path)


PARAMETERS = {
    "Parameters": {
        "Size": {"Type": "Number", "Default": 100},
        "Table": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/receipt-sync/dev/table-name",
        },
    }
}


def test_a_parameter_is_given_or_handed_over_or_has_its_default() -> None:
    handed_over = {"table-name": "receipts", "unread": "x"}
    assert parameter_values(PARAMETERS, {}, handed_over) == {"Size": 100, "Table": "receipts"}
    assert parameter_values(PARAMETERS, {"Size": "7"}, handed_over)["Size"] == "7"


def test_a_parameter_without_a_value_is_an_error_that_names_it() -> None:
    with pytest.raises(
        TemplateError, match=r"parameter Table of template\.yaml reads .*table-name"
    ):
        parameter_values(PARAMETERS, {}, {})
    with pytest.raises(TemplateError, match=r"parameter Size of template\.yaml has no value"):
        parameter_values({"Parameters": {"Size": {"Type": "Number"}}}, {}, {})
    with pytest.raises(TemplateError, match="no parameter Sizes"):
        parameter_values(PARAMETERS, {"Sizes": "7"}, {"table-name": "receipts"})


def function(**properties: Any) -> dict[str, Any]:
    own = {"FunctionName": "f", "Handler": "compactor.handler.lambda_handler", **properties}
    return {"Resources": {"One": {"Type": "AWS::Serverless::Function", "Properties": own}}}


def test_a_function_has_the_properties_of_globals_below_its_own() -> None:
    template = {
        **function(Timeout=5, Environment={"Variables": {"A": 1, "B": 2}}),
        "Globals": {
            "Function": {
                "Timeout": 3,
                "Tracing": "Active",
                "KmsKeyArn": "key",
                "CodeUri": "src/",
                "Environment": {"Variables": {"B": 1, "C": {"Ref": "AWS::NoValue"}}},
            }
        },
    }
    found = functions_of(template, Resolver(template, {}))["One"]
    assert found.package == "compactor"
    assert found.configuration == {
        "FunctionName": "f",
        "Handler": "compactor.handler.lambda_handler",
        "Timeout": 5,
        "TracingConfig": {"Mode": "Active"},
        "KMSKeyArn": "key",
        "Environment": {"Variables": {"A": 1, "B": 2}},
    }


def test_an_event_is_a_mapping() -> None:
    event = {
        "Type": "DynamoDB",
        "Properties": {
            "Stream": "arn",
            "BatchSize": 10,
            "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": "dlq"}},
        },
    }
    template = function(Events={"Stream": event})
    assert functions_of(template, Resolver(template, {}))["One"].mappings == {
        "OneStream": {
            "FunctionName": "f",
            "EventSourceArn": "arn",
            "BatchSize": 10,
            "DestinationConfig": {"OnFailure": {"Destination": "dlq"}},
        }
    }


@pytest.mark.parametrize(
    ("template", "named"),
    [
        (function(VpcConfig={"SubnetIds": []}), "VpcConfig"),
        (function(ReservedConcurrentExecutions=2), "ReservedConcurrentExecutions"),
        (function(Events={"Api": {"Type": "HttpApi", "Properties": {}}}), "HttpApi"),
        ({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}, "AWS::SNS::Topic"),
    ],
)
def test_what_the_quick_form_does_not_deploy_is_an_error_that_names_it(
    template: dict[str, Any], named: str
) -> None:
    with pytest.raises(TemplateError, match=named):
        functions_of(template, Resolver(template, {}))


def test_a_role_has_its_policies_by_name() -> None:
    policy = {"PolicyName": "least", "PolicyDocument": {"Statement": []}}
    properties = {"RoleName": "r", "AssumeRolePolicyDocument": {}, "Policies": [policy]}
    template = {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}}
    role = roles_of(template, Resolver(template, {}))["R"]
    assert (role.name, dict(role.policies)) == ("r", {"least": {"Statement": []}})
    properties["ManagedPolicyArns"] = ["arn"]
    with pytest.raises(TemplateError, match="ManagedPolicyArns"):
        roles_of(template, Resolver(template, {}))


def test_values_get_the_types_of_the_operation() -> None:
    client = boto3.client(
        "lambda", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    given = {
        "FunctionName": "f",
        "Enabled": "true",
        "BatchSize": "100",
        "BisectBatchOnFunctionError": False,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": "2"},
        "Unknown": "1",
    }
    assert typed(client, "CreateEventSourceMapping", given) == {
        **given,
        "Enabled": True,
        "BatchSize": 100,
        "ScalingConfig": {"MaximumConcurrency": 2},
    }
    variables = {"Environment": {"Variables": {"A": 0.1, "B": 100, "C": True, "D": "x"}}}
    assert typed(client, "CreateFunction", variables) == {
        "Environment": {"Variables": {"A": "0.1", "B": "100", "C": "true", "D": "x"}}
    }
