/* range.c - interval arithmetic on the bounds of numbers.
 *
 * Idea: whether an expression may stand where `positive` or `unit` is asked is decided by bounds:
 * `1 - p` of a unit is a unit, `exp(e)` is positive, a product of units is a unit. Bounds are
 * conservative: they always contain the value. Open ends only serve to name supports.
 */
#include "check.h"

#include <math.h>
#include <string.h>

static Range make(double lo, double hi, bool lo_open, bool hi_open)
{
    if (isnan(lo)) lo = -INFINITY;
    if (isnan(hi)) hi = INFINITY;
    return (Range){ lo, hi, lo_open || lo == -INFINITY, hi_open || hi == INFINITY };
}

Range range_real(void) { return make(-INFINITY, INFINITY, true, true); }
Range range_from(double lo, double hi) { return make(lo, hi, false, false); }
Range range_open(double lo, double hi) { return make(lo, hi, true, true); }
Range range_point(double v) { return isnan(v) ? range_real() : make(v, v, false, false); }

bool range_inside(Range a, Range b) { return a.lo >= b.lo && a.hi <= b.hi; }

bool range_apart(Range a, Range b)
{
    if (a.hi < b.lo || b.hi < a.lo) return true;
    if (a.hi == b.lo && (a.hi_open || b.lo_open)) return true;
    return b.hi == a.lo && (b.hi_open || a.lo_open);
}

Range range_union(Range a, Range b)
{
    return make(fmin(a.lo, b.lo), fmax(a.hi, b.hi),
                a.lo < b.lo ? a.lo_open : b.lo < a.lo ? b.lo_open : a.lo_open && b.lo_open,
                a.hi > b.hi ? a.hi_open : b.hi > a.hi ? b.hi_open : a.hi_open && b.hi_open);
}

Range range_meet(Range a, Range b)
{
    return make(fmax(a.lo, b.lo), fmin(a.hi, b.hi),
                a.lo > b.lo ? a.lo_open : b.lo > a.lo ? b.lo_open : a.lo_open || b.lo_open,
                a.hi < b.hi ? a.hi_open : b.hi < a.hi ? b.hi_open : a.hi_open || b.hi_open);
}

static Range neg(Range a) { return make(-a.hi, -a.lo, a.hi_open, a.lo_open); }

static Range add(Range a, Range b)
{
    return make(a.lo + b.lo, a.hi + b.hi, a.lo_open || b.lo_open, a.hi_open || b.hi_open);
}

/* One corner of a product; 0 times an infinite bound is 0, reached only if the 0 is. */
static void corner(double x, bool x_open, double y, bool y_open, double *v, bool *open)
{
    *v = x == 0 || y == 0 ? 0 : x * y;
    *open = (x_open && !(y == 0 && !y_open)) || (y_open && !(x == 0 && !x_open));
}

static Range mul(Range a, Range b)
{
    double v[4];
    bool open[4];
    corner(a.lo, a.lo_open, b.lo, b.lo_open, &v[0], &open[0]);
    corner(a.lo, a.lo_open, b.hi, b.hi_open, &v[1], &open[1]);
    corner(a.hi, a.hi_open, b.lo, b.lo_open, &v[2], &open[2]);
    corner(a.hi, a.hi_open, b.hi, b.hi_open, &v[3], &open[3]);
    Range r = make(v[0], v[0], open[0], open[0]);
    for (int i = 1; i < 4; i++) r = range_union(r, make(v[i], v[i], open[i], open[i]));
    return r;
}

static Range reciprocal(Range b)
{
    if (b.lo >= 0)
        return make(b.hi == INFINITY ? 0 : 1 / b.hi, b.lo == 0 ? INFINITY : 1 / b.lo, b.hi_open,
                    b.lo_open);
    if (b.hi <= 0) return neg(reciprocal(neg(b)));
    return range_real();
}

static Range power(Range a, Range b)
{
    bool even = b.lo == b.hi && fmod(b.lo, 2) == 0 && b.lo >= 0;
    if (a.lo >= 0 && a.hi <= 1 && b.lo >= 0) return make(0, 1, a.lo_open, false);
    if (a.lo > 0 || (a.lo == 0 && a.lo_open)) return make(0, INFINITY, true, true);
    if (a.lo >= 0 || even) return make(0, INFINITY, false, true);
    return range_real();
}

Range range_binary(const char *op, Range a, Range b)
{
    switch (op[0]) {
    case '+': return add(a, b);
    case '-': return add(a, neg(b));
    case '*': return mul(a, b);
    case '/': return mul(a, reciprocal(b));
    case '^': return power(a, b);
    case 'm':                          /* mod: of the sign of b */
        return b.lo >= 0 ? range_from(0, b.hi) : range_real();
    case 'd':                          /* div */
        if (a.lo >= 0 && b.lo >= 0) return range_from(0, INFINITY);
        return range_real();
    default: return range_real();
    }
}

Range range_negate(Range a) { return neg(a); }

/* Monotone increasing f with f(-inf) = lo, f(inf) = hi, never reached. */
static Range rising(Range a, double (*f)(double), double lo, double hi)
{
    double l = a.lo == -INFINITY ? lo : f(a.lo), h = a.hi == INFINITY ? hi : f(a.hi);
    if (isnan(l)) l = lo;
    if (isnan(h)) h = hi;
    return make(l, h, a.lo_open || l == lo, a.hi_open || h == hi);
}

static double f_logistic(double x) { return 1 / (1 + exp(-x)); }
static double f_softplus(double x) { return x > 30 ? x : log1p(exp(x)); }
static double f_relu(double x) { return x > 0 ? x : 0; }
static double f_square(double x) { return x * x; }

static Range absolute(Range a, double (*f)(double))
{
    double l = fabs(a.lo), h = fabs(a.hi);
    bool zero = a.lo <= 0 && a.hi >= 0 && !(a.lo == 0 && a.lo_open) && !(a.hi == 0 && a.hi_open);
    return make(zero ? 0 : f(fmin(l, h)), f(fmax(l, h)), !zero && (a.lo_open || a.hi_open),
                a.lo_open || a.hi_open);
}

/* Bounds of a primitive `op` of one or two arguments; `otherwise` is its row's range. */
Range range_map(Str op, const Range *x, size_t n, Range otherwise)
{
    static const struct { const char *name; double (*f)(double); double lo, hi; } monotone[] = {
        { "exp", exp, 0, INFINITY },
        { "expm1", expm1, -1, INFINITY },
        { "log", log, -INFINITY, INFINITY },
        { "log1p", log1p, -INFINITY, INFINITY },
        { "tanh", tanh, -1, 1 },
        { "logistic", f_logistic, 0, 1 },
        { "softplus", f_softplus, 0, INFINITY },
        { "atan", atan, -1.5707963267948966, 1.5707963267948966 },
        { "erf", erf, -1, 1 },
        { "floor", floor, -INFINITY, INFINITY },
    };
    for (size_t i = 0; n == 1 && i < sizeof monotone / sizeof *monotone; i++)
        if (!strcmp(op, monotone[i].name))
            return rising(x[0], monotone[i].f, monotone[i].lo, monotone[i].hi);
    if (!strcmp(op, "neg")) return neg(x[0]);
    if (!strcmp(op, "abs")) return absolute(x[0], fabs);
    if (!strcmp(op, "sq")) return absolute(x[0], f_square);
    if (!strcmp(op, "relu")) return make(f_relu(x[0].lo), f_relu(x[0].hi), false, x[0].hi_open);
    if (!strcmp(op, "sqrt") && x[0].lo >= 0) return rising(x[0], sqrt, 0, INFINITY);
    if (!strcmp(op, "stop_gradient")) return x[0];
    if (!strcmp(op, "sin") || !strcmp(op, "cos") || !strcmp(op, "sign")) return range_from(-1, 1);
    if (n == 2 && !strcmp(op, "min"))
        return make(fmin(x[0].lo, x[1].lo), fmin(x[0].hi, x[1].hi), x[0].lo_open || x[1].lo_open,
                    true);
    if (n == 2 && !strcmp(op, "max"))
        return make(fmax(x[0].lo, x[1].lo), fmax(x[0].hi, x[1].hi),
                    x[0].lo > x[1].lo ? x[0].lo_open : x[1].lo > x[0].lo ? x[1].lo_open
                                        : x[0].lo_open && x[1].lo_open, true);
    static const struct { const char *name, *as; } same[] = {
        { "add", "+" }, { "sub", "-" }, { "mul", "*" }, { "div", "/" }, { "pow", "^" },
        { "mod", "mod" }, { "idiv", "div" },
    };
    for (size_t i = 0; n == 2 && i < sizeof same / sizeof *same; i++)
        if (!strcmp(op, same[i].name)) return range_binary(same[i].as, x[0], x[1]);
    if (n == 3 && !strcmp(op, "select")) return range_union(x[1], x[2]);
    return otherwise;
}

/* The support a person would name for these bounds. */
const char *range_name(Range r)
{
    if (r.lo >= 0 && r.hi <= 1) return "unit";
    if (r.lo > 0 || (r.lo == 0 && r.lo_open)) return "positive";
    if (r.lo == 0) return "nonnegative";
    return "real";
}
