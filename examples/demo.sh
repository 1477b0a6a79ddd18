#!/bin/sh
# demo.sh [DIR] - from nothing to a trained variational autoencoder: installs what is missing, builds
# dgmc, compiles examples/vae/vae.dgm, trains it on the digits that ship with the project, and shows
# the test ELBO and the pictures. DIR (default demo-run) must not hold an earlier run.
set -eu
cd "$(dirname "$0")/.."
dir=${1:-demo-run}
if [ -e "$dir" ]; then
    echo "demo: $dir exists; remove it or give another name: sh examples/demo.sh DIR" >&2
    exit 2
fi
sh examples/setup.sh

digits=examples/data/optdigits
mkdir -p "$dir"
echo "demo: the model"
sed 's/^/    /' examples/vae/vae.dgm
echo "demo: what the compiler derives"
build/dgmc explain examples/vae/vae.dgm -D P=64
echo "demo: compiling it"
build/dgmc examples/vae/vae.dgm -D H=200 --data x=$digits.tra.csv.gz:0-63 -o "$dir/vae"
echo "demo: training"
"$dir/vae" train --data x=$digits.tra.csv.gz:0-63 --valid x=$digits.tes.csv.gz:0-63 \
    --binarise threshold --epochs 60 --seed 1 --out "$dir/run"
echo "demo: on the test digits (per digit, nats)"
"$dir/vae" eval "$dir/run" --data x=$digits.tes.csv.gz:0-63 --samples 100
"$dir/vae" sample "$dir/run" -n 64 --png "$dir/samples.png"
"$dir/vae" reconstruct "$dir/run" --data x=$digits.tes.csv.gz:0-63 -n 16 --png "$dir/reconstructions.png"
echo "demo: done; look at"
for picture in "$dir/samples.png" "$dir/reconstructions.png" "$dir/run/loss.png"; do
    [ -s "$picture" ] || { echo "demo: $picture was not written" >&2; exit 1; }
    echo "    $(pwd)/$picture"
done
