"""The command lines of Azure ML's documentation, with `az ml` replaced by `pilothouse`.

Sources: "How to deploy and where" (2019 and 2021), "Deploy an existing model", "Deploy to Azure
Kubernetes Service", and the notebooks that follow them.
"""

import json
import shlex

import pytest

from tests.support.commandline import CommandLine, Ran, write_json


def az(cli: CommandLine, line: str) -> Ran:
    """Run a documented line."""
    program, group, *words = shlex.split(line)
    assert (program, group) == ("az", "ml")
    return cli(*words)


@pytest.fixture
def pages(cli: CommandLine) -> CommandLine:
    """The files that the pages speak of."""
    for folder, name in (("outputs", "sklearn_mnist_model.pkl"), ("mnist", "model.bin")):
        (cli.folder / folder).mkdir()
        (cli.folder / folder / name).write_bytes(b"weights")
    script = "def init():\n    pass\n\n\ndef run(data):\n    return {'got': data}\n"
    (cli.folder / "src" / "score.py").write_text(script)
    for name in ("inferenceConfig.json", "dummyinferenceconfig.json"):
        (cli.folder / name).write_text((cli.folder / "inferenceconfig.json").read_text())
    (cli.folder / "deploymentConfig.json").write_text(
        (cli.folder / "deploymentconfig.json").read_text()
    )
    return cli


def test_models_of_a_run_are_registered(pages: CommandLine) -> None:
    """The asset path lies in the run's outputs, here below the current folder."""
    line = (
        "az ml model register -n sklearn_mnist --asset-path outputs/sklearn_mnist_model.pkl"
        " --experiment-name myexperiment"
    )
    assert az(pages, line).data["experimentName"] == "myexperiment"
    made = az(pages, f"{line} --run-id myrunid --tag area=mnist").data
    assert (made["id"], made["runId"], made["tags"]) == (
        "sklearn_mnist:2",
        "myrunid",
        {"area": "mnist"},
    )


def test_local_files_and_folders_are_registered(pages: CommandLine) -> None:
    """In a workspace and group that the line names."""
    assert az(pages, "az ml model register -n onnx_mnist -p mnist/model.bin").data["version"] == 1
    line = "az ml model register -p ./models -n sentiment -w myworkspace -g myresourcegroup"
    assert az(pages, line).data["id"] == "sentiment:1"
    assert [one["name"] for one in az(pages, "az ml workspace list -g x").data] == [
        "default",
        "myworkspace",
    ]
    assert az(pages, "az ml workspace list --resource-group=mygroup").code == 0


def test_deployments_of_2019(pages: CommandLine) -> None:
    """Flags with one dash; without a name it is made from the model's."""
    pages("model", "register", "-n", "sklearn_mnist", "-p", "models")
    unnamed = (
        "az ml model deploy -m sklearn_mnist:1 -ic inferenceconfig.json -dc deploymentconfig.json"
    )
    assert az(pages, unnamed).data["name"] == "sklearn-mnist"
    named = (
        "az ml model deploy -m sklearn_mnist:1 -n aciservice -ic inferenceconfig.json"
        " -dc deploymentconfig.json"
    )
    assert az(pages, named).data["state"] == "Healthy"


def test_deployments_to_a_named_target(pages: CommandLine) -> None:
    """A target attached under the name that the line has."""
    pages("model", "register", "-n", "mymodel", "-p", "models")
    assert pages("computetarget", "attach", "process", "-n", "myaks").code == 0
    line = (
        "az ml model deploy -ct myaks -m mymodel:1 -n myservice -ic inferenceconfig.json"
        " -dc deploymentconfig.json"
    )
    assert az(pages, line).data["state"] == "Healthy"
    assert pages.data("service", "show", "-n", "myservice", "-v")["computeName"] == "myaks"


def test_deployments_of_2021(pages: CommandLine) -> None:
    """Without a name, and without a model, too."""
    pages("model", "register", "-n", "mymodel", "-p", "models")
    line = "az ml model deploy -m mymodel:1 --ic inferenceconfig.json --dc deploymentconfig.json"
    assert az(pages, line).data["name"] == "mymodel"
    line = "az ml model deploy --ic inferenceconfig.json --dc deploymentconfig.json"
    ran = az(pages, line)
    assert ran.data["state"] == "Healthy"
    assert f"the service is named '{ran.data['name']}'" in ran.err


def test_an_existing_model_from_registration_to_deletion(pages: CommandLine) -> None:
    """The page's lines one after another, and what scripts do between them."""
    pages("model", "register", "-n", "sentiment", "-p", "models")
    line = (
        "az ml model deploy -n myservice -m sentiment:1 --ic inferenceConfig.json"
        " --dc deploymentConfig.json"
    )
    assert az(pages, line).code == 0
    again = line.replace("inferenceConfig", "dummyinferenceconfig").replace(
        "myservice", "myservice --overwrite"
    )
    assert az(pages, again).data["state"] == "Healthy"
    ran = az(pages, "az ml service run -n myservice -d '{\"data\":[[1,2,3]]}'")
    assert json.loads(ran.data["got"]) == {"data": [[1, 2, 3]]}
    uri = pages("service", "show", "-n", "myservice", "--query", "scoringUri", "-o", "tsv").out
    assert uri.startswith("http://127.0.0.1:")
    assert uri.endswith("/score\n")
    assert az(pages, "az ml service get-logs -n myservice").out != ""
    slip = az(pages, "az ml service myservice")
    assert slip.data["name"] == "myservice"
    assert "service delete -n myservice" in slip.err
    assert az(pages, "az ml service delete -n myservice").data == {"name": "myservice"}
    line = 'az ml model list --model-name=sentiment --latest --query "[0].id" -o tsv'
    model = az(pages, line).out.strip()
    assert model == "sentiment:1"
    assert az(pages, f"az ml model delete --model-id={model}").data == {"id": model}


def test_a_model_is_deleted_by_its_id_alone(pages: CommandLine) -> None:
    """As the page writes it, without `-i`."""
    pages("model", "register", "-n", "sentiment", "-p", "models")
    assert az(pages, "az ml model delete sentiment:1").data == {"id": "sentiment:1"}


def test_metadata_files_chain_registration_and_deployment(pages: CommandLine) -> None:
    """`register -t` then `deploy -f`; a file of another workspace is refused."""
    line = "az ml model register -n mymodel -p models -t r.json -g mygroup"
    assert az(pages, line).code == 0
    line = (
        "az ml model deploy -n myservice --model-metadata-file r.json --ic inferenceconfig.json"
        " --dc deploymentconfig.json"
    )
    assert az(pages, line).data["state"] == "Healthy"
    ran = az(pages, f"{line} -w other")
    assert ran.code == 2
    assert "-w default" in ran.err


def test_a_profile_gives_cores_and_memory(pages: CommandLine) -> None:
    """`--pi`; a flag beside it wins."""
    write_json(pages.folder / "profile.json", {"cpu": 0.25, "memoryInGB": 0.5})
    line = (
        "az ml model deploy -n myservice --ic inferenceconfig.json --dc deploymentconfig.json"
        " --pi profile.json --gb 0.75"
    )
    assert az(pages, line).code == 0
    asked = pages.data("service", "show", "-n", "myservice", "-v")
    assert asked["containerResourceRequirements"] == {"cpu": 0.25, "memoryInGB": 0.75, "gpu": None}


def test_clusters_are_not_created_here(pages: CommandLine) -> None:
    """The line of the page ends with what to do instead."""
    ran = az(pages, "az ml computetarget create aks -n myaks")
    assert (ran.code, ran.out) == (1, "")
    assert "computetarget attach aks" in ran.err
