#!/bin/sh
# layering.sh - the direction of dependences: every #include of the compiler points to its own folder
# or to one before it, and so does every one of the runtime; the runtime and the compiler never include each other.
set -u
cd "$(dirname "$0")/.."
compiler="base syntax check model derive tensor lower plan emit"
runtime="core math kernel sample optim data density infer plot session train query posterior cli"
bad=0
# rank FOLDER ORDER: its place, 99 if it has none
rank() { i=0; for f in $2; do i=$((i + 1)); [ "$f" = "$1" ] && echo $i && return; done; echo 99; }
# stands FILE FOLDER TARGET TO ORDER: TO, which FILE of FOLDER includes, is no later folder
stands() {
    [ "$(rank "$4" "$5")" -le "$(rank "$2" "$5")" ] && return
    echo "$1 includes $3: $2 stands before $4"
    bad=1
}

for folder in $compiler; do
    for line in $(grep -Hno '#include "[^"]*"' compiler/$folder/*.[ch] | tr -d ' '); do
        file=${line%%:*} target=${line#*\"}; target=${target%\"}
        case $target in
        ../*/*) to=${target#../}; to=${to%%/*} ;;
        *) continue ;;
        esac
        stands "$file" $folder "$target" "$to" "$compiler"
        case "$folder:$to" in derive:tensor) echo "$file: derive knows no tensors"; bad=1 ;; esac
    done
done
for folder in $runtime; do
    for line in $(grep -Hno '#include "[a-z]*/[^"]*"' runtime/$folder/*.[ch] | tr -d ' '); do
        file=${line%%:*} target=${line#*\"}; target=${target%\"}
        stands "$file" $folder "$target" "${target%%/*}" "$runtime"
    done
done
for folder in runtime/*/; do
    [ "$(rank "$(basename $folder)" "$runtime")" != 99 ] || { echo "$folder has no place in the order"; bad=1; }
done
if grep -n '#include.*runtime/' -r compiler lang --include='*.[chly]'; then
    echo "the compiler includes the runtime"; bad=1
fi
if grep -n '#include.*compiler/' -r runtime --include='*.[ch]'; then
    echo "the runtime includes the compiler"; bad=1
fi
exit $bad
