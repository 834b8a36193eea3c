#!/bin/sh
# Makes the example: an audit of two ways to hide the emotion of the embedded synthetic faces.
#   sh docs/example_audit/make.sh WORK
# Minutes on two cores: four attackers with fixed settings on 6,000 unseen faces, by those and by the training
# faces. Only the report and the figures that the README shows are kept beside this file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
recipes=$here/../../recipes
mkdir -p "$1"
cd "$1"
python "$recipes/embed.py" --config embed.yaml --model.backbone synthetic_recogniser \
    --config data/synthetic_faces.yaml --out recogniser.safetensors
python "$recipes/erase.py" --config erase/leace.yaml --table recogniser.safetensors \
    --sensitive emotion --out leace.safetensors --overwrite true
python "$recipes/train.py" --config sensitivenets.yaml --config data/embeddings.yaml \
    --data.init_args.table recogniser.safetensors --model.init_args.backbone precomputed \
    --model.init_args.backbone_options '{num_features: 256}' \
    --data.init_args.train_order.class_path datamodules.train_orders.IdentityBatches \
    --trainer.callbacks null --checkpoint.monitor epoch --trainer.logger false --resume auto
python "$recipes/embed.py" --config embed.yaml --config data/embeddings.yaml \
    --data.init_args.table recogniser.safetensors --out sensitivenets.safetensors \
    --ckpt "$(ls -d runs/sensitivenets/*/checkpoints/best.ckpt | tail -n 1)"
python "$recipes/audit.py" --config audit/quick.yaml --before recogniser.safetensors \
    --after leace.safetensors --after sensitivenets.safetensors --sensitive emotion --out audit \
    --attackers '[linear, mlp, rbf_svm, forest]' --suppression_draws 5
cp audit/report.html audit/figures/leakage_1.svg audit/figures/tradeoff_1.svg "$here"
