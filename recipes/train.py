"""Train a method on a dataset, then test its best checkpoint.

    python recipes/train.py --config attractiveness.yaml
    python recipes/train.py --config attractiveness.yaml --config data/celeba.yaml --data.init_args.root DIR

With --resume auto the same command resumes a killed run; after a finished run it does nothing. A bare name
after --config is looked up in configs/; several are merged left to right; any value can be set by its dotted
name. --print_config shows the result, --help every option; --model.help and --data.help list the methods and
datasets, and with a name, as in --model.help LNTL, the options of one.
"""

from recipes.command_line.errors import report_errors
from recipes.command_line.training import main

if __name__ == "__main__":
    report_errors(main)
