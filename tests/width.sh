#!/bin/sh
# width.sh - no line of C or of a grammar is longer than 100 columns; no tabs; no file beyond 999 lines;
# nowhere what a merge left behind.
cd "$(dirname "$0")/.."
marks=$(grep -rnE '^(<{7}|>{7}) ' compiler runtime lang examples tests README.md --include='*.*') &&
    { echo "$marks"; exit 1; }
find compiler runtime lang tests -name '*.[chly]' -o -name '*.def' | sort | xargs awk '
    /\t/ { print FILENAME ":" FNR ": tab"; bad = 1 }
    { line = $0; gsub(/[\200-\277]/, "", line) }
    length(line) > 100 && FILENAME !~ /\.def$/ { print FILENAME ":" FNR ": " length(line) " columns"; bad = 1 }
    FNR == 1000 { print FILENAME ": 1000 lines"; bad = 1 }
    END { exit bad }'
