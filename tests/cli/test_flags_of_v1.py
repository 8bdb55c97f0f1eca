"""Every flag of the Azure ML CLI v1 commands that are offered here is taken.

Source: `azure-cli-ml` reference (docs-ref-autogen, ml v1). Left out are `model deploy`'s
`--version-name` and `--traffic-percentile`, which belong to endpoints of several versions.
"""

import pytest

from tests.support.commandline import all_commands

COMMANDS = all_commands()
FLAGS = {
    "model register": """
        -n --name -p --model-path --asset-path --cc --cpu-cores --gb --memory-gb --gc --gpu-cores
        -d --description --experiment-name -r --run-id -f --run-metadata-file --model-framework
        --model-framework-version --property --tag --sample-input-dataset-id
        --sample-output-dataset-id -t --output-metadata-file""",
    "model list": "-n --model-name -l --latest --tag --property --run-id --dataset-id",
    "model show": "-i --model-id -n --model-name --version --run-id",
    "model update": """
        -i --model-id --add-tag --remove-tag --add-property --description --cc --gb --gc
        --sample-input-dataset-id --sample-output-dataset-id""",
    "model delete": "-i --model-id",
    "model download": "-i --model-id -t --target-dir --overwrite",
    "model deploy": """
        -n --name -m --model -f --model-metadata-file --ic --inference-config-file --dc
        --deploy-config-file --ct --compute-target --cp --compute-type -e --environment-name --ev
        --environment-version --ed --environment-directory --es --entry-script --sd
        --source-directory --cf --conda-file --rt --runtime --ds --extra-docker-file-steps --eg
        --enable-gpu --cv --cuda-version --bi --base-image --ir --base-image-registry --ae
        --auth-enabled --token-auth-enabled --ai --enable-app-insights --md --collect-model-data
        --as --autoscale-enabled --mi --autoscale-min-replicas --ma --autoscale-max-replicas --ar
        --autoscale-refresh-seconds --at --autoscale-target-utilization --nr --num-replicas --cc
        --cpu-cores --ccl --cpu-cores-limit --gb --memory-gb --gbl --memory-gb-limit --gc
        --gpu-cores --tm --scoring-timeout-ms --rm --replica-max-concurrent-requests --mr
        --max-request-wait-time --id --initial-delay-seconds --ps --period-seconds --ts
        --timeout-seconds --st --success-threshold --ft --failure-threshold --kp --primary-key
        --ks --secondary-key --se --ssl-enabled --sp --ssl-cert-pem-file --sk --ssl-key-pem-file
        --sc --ssl-cname --dn --dns-name-label --lo --location --namespace --po --port --pi
        --profile-input --vault-base-url --key-name --key-version --vnet-name --subnet-name
        --description --tag --property --overwrite --no-wait -ic -dc -ct""",
    "service list": """
        -c --compute-type --model-name --model-id --tag --property --image-digest""",
    "service show": "-n --name",
    "service run": "-n --name -d --input-data",
    "service update": """
        -n --name -m --model -f --model-metadata-file --ic --inference-config-file -e
        --environment-name --ev --environment-version --ed --environment-directory --es
        --entry-script --sd --source-directory --cf --conda-file --rt --runtime --cc --gb --nr
        --as --ae --se --kp --ks --add-tag --remove-tag --add-property -d --description
        --no-wait""",
    "service delete": "-n --name",
    "service get-logs": "-n --name -l --num_lines -i --init",
    "service get-keys": "-n --name",
    "service regen-key": "-n --name -k --key -s --set-key",
    "computetarget attach": "-n --name -i --compute-resource-id --namespace",
    "computetarget detach": "-n --name",
    "computetarget show": "-n --name",
    "computetarget list": "",
    "environment scaffold": "-n --name -d --directory -t --output-metadata-file",
    "environment register": "-d --directory -t --output-metadata-file",
    "environment list": "-t --output-metadata-file",
    "environment show": "-n --name -v --version -t --output-metadata-file",
    "environment download": "-n --name -d --directory -v --version --overwrite -t",
    "workspace create": "-l --location -f --friendly-name --sku --exist-ok -y --yes",
    "workspace delete": "--all-resources --no-wait -y --yes",
    "workspace list": "",
    "workspace show": "",
    "folder attach": "-e --experiment-name",
}
GLOBAL = """
    --debug --only-show-errors -o --output --query --subscription --verbose --path -g
    --resource-group -w --workspace-name --subscription-id -v"""


@pytest.mark.parametrize("words", FLAGS)
def test_every_flag_is_taken(words: str) -> None:
    """The command's own and the global ones."""
    taken = {opt for param in COMMANDS[words].params for opt in param.opts}
    assert set((FLAGS[words] + GLOBAL).split()) <= taken
