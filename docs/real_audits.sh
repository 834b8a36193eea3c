#!/bin/sh
# Audits of a recogniser on real faces, as quoted in results.md.
#   sh docs/real_audits.sh DATA WORK
# DATA holds celeba/, lfw/ (with pair files and a gender.csv), fer2013/ (with manifest.csv) and
# weights/mobilefacenet_112.onnx. Only aggregates are quoted; what is in WORK comes from faces, so keep it to yourself.
set -eu
recipes=$(cd "$(dirname "$0")/../recipes" && pwd)
data=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"

embed() { # dataset, its options
    name=$1
    shift
    python "$recipes/embed.py" --config embed.yaml --model.backbone onnx \
        --model.weights "$data/weights/mobilefacenet_112.onnx" --mirror true --config "data/$name.yaml" \
        --data.init_args.root "$data/$name" "$@" --out "$name.safetensors"
}

erase() { # dataset, attribute
    python "$recipes/erase.py" --config erase/leace.yaml --table "$1.safetensors" --sensitive "$2" \
        --out "leace_$2.safetensors" --overwrite true
}

suppress() { # name, attribute, options: SensitiveNets on CelebA's table
    name=$1 attribute=$2
    shift 2
    python "$recipes/train.py" --config sensitivenets.yaml --config data/embeddings.yaml \
        --data.init_args.table celeba.safetensors --data.init_args.batch_size 128 \
        --model.init_args.sensitive "$attribute" --model.init_args.backbone precomputed \
        --model.init_args.backbone_options '{num_features: 128}' --model.init_args.layers 1 \
        --model.init_args.steps_per_round 100 --model.init_args.classifier_steps 100 \
        --trainer.limit_train_batches null --trainer.callbacks null --checkpoint.monitor epoch \
        --checkpoint.mode max --trainer.logger false --trainer.accelerator cpu --resume auto \
        --experiment "$name" "$@"
    python "$recipes/embed.py" --config embed.yaml --config data/embeddings.yaml --trainer.accelerator cpu \
        --data.init_args.table celeba.safetensors --out "$name.safetensors" \
        --ckpt "$(ls -d runs/"$name"/*/checkpoints/best.ckpt | tail -n 1)"
}

audit() { # folder, options
    out=$1
    shift
    python "$recipes/audit.py" --config audit/default.yaml --attackers '[linear, mlp, rbf_svm]' --tune false \
        --scalings '[standardised]' --permutations 199 --suppression_draws 0 --tsne 0 --out "$out" "$@"
}

python "$recipes/prepare.py" --config prepare/lfw.yaml --data.init_args.root "$data/lfw" --mode align --out crops/lfw
embed lfw --data.init_args.crops crops/lfw
embed celeba
embed fer2013

erase lfw gender
audit lfw --before x=lfw.safetensors --after leace=leace_gender.safetensors --sensitive gender --pairs "$data/lfw"
erase fer2013 emotion
audit fer2013 --before x=fer2013.safetensors --after leace=leace_emotion.safetensors --sensitive emotion
audit celeba --before x=celeba.safetensors --sensitive attractive,young
for attribute in smiling male; do
    erase celeba $attribute
    suppress "sn_$attribute" $attribute --model.init_args.rounds 10 --model.init_args.target no \
        --trainer.max_epochs 45 --data.init_args.train_order.class_path datamodules.train_orders.IdentityBatches
    suppress "ours_$attribute" $attribute --model SensitiveNetsVariant \
        --model.init_args.rounds 20 --model.init_args.target uniform \
        --model.init_args.warmup_rounds 0 --model.init_args.refresh_steps 2 --model.init_args.delta_weight 0.3 \
        --model.init_args.init identity --model.init_args.keep similarities --model.init_args.width 128 \
        --trainer.max_epochs 160
    audit "celeba_$attribute" --before x=celeba.safetensors --after "leace=leace_$attribute.safetensors" \
        --after "sn=sn_$attribute.safetensors" --after "ours=ours_$attribute.safetensors" --sensitive $attribute
done
