# compilers.sh - the emitted C of every example is accepted by gcc and by clang with all warnings as
# errors, in both precisions.
. "$DGM_ROOT/tests/systems/lib.sh"
command -v clang >/dev/null || skip "clang is not installed"
for spec in "$DGM_ROOT"/examples/*/*.dgm; do
    for precision in f32 f64; do
        $dgmc "$spec" --emit=c --precision $precision -D P=6 -D D=4 -D H=9 -o out.c 2>err.txt ||
            $dgmc "$spec" --emit=c --precision $precision -D P=6 -D D=4 -o out.c
        define=$([ $precision = f64 ] && echo -DDGM_F64 || true)
        for cc in gcc clang; do
            $cc -std=gnu11 -O2 -Wall -Wextra -Werror -fopenmp $define -I"$DGM_ROOT/runtime" -c out.c -o out.o ||
                fail "$cc, $precision: $spec"
        done
    done
done
