#!/bin/sh
# layering.sh - the direction of dependences: every #include of the compiler points to its own folder
# or to one before it; the runtime and the compiler never include each other.
set -u
cd "$(dirname "$0")/.."
order="base syntax check model derive tensor emit"
bad=0
rank() { i=0; for f in $order; do i=$((i + 1)); [ "$f" = "$1" ] && echo $i && return; done; echo 99; }

for folder in $order; do
    for line in $(grep -Hno '#include "[^"]*"' compiler/$folder/*.[ch] | tr -d ' '); do
        file=${line%%:*} target=${line#*\"}; target=${target%\"}
        case $target in
        ../*/*) to=${target#../}; to=${to%%/*} ;;
        ../*.def) continue ;;
        *) continue ;;
        esac
        if [ "$(rank "$to")" -gt "$(rank "$folder")" ]; then
            echo "$file includes $target: $folder stands before $to"
            bad=1
        fi
        case "$folder:$to" in derive:tensor) echo "$file: derive knows no tensors"; bad=1 ;; esac
    done
done
if grep -n '#include.*runtime/' -r compiler lang --include='*.[chly]'; then
    echo "the compiler includes the runtime"; bad=1
fi
if grep -n '#include.*compiler/' -r runtime --include='*.[ch]'; then
    echo "the runtime includes the compiler"; bad=1
fi
exit $bad
