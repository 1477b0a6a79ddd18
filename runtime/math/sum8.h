/* sum8.h - the sum of eight numbers by halves: 4 + 4, 2 + 2, 1 + 1.
 *
 * Idea: the end of a short sum that was kept in eight lanes. Halves are added in the vector
 * extension of gcc and clang, which stays in registers on every processor; the order of the
 * additions is written here, so it is the same on all. Include vmath.h, which includes this.
 */
#ifndef DGM_MATH_SUM8_H
#define DGM_MATH_SUM8_H

DGM_INLINE float dgm_sum8_f(const float *x)
{
    typedef float Four __attribute__((vector_size(4 * sizeof(float))));
    Four low, high;
    memcpy(&low, x, sizeof low);
    memcpy(&high, x + 4, sizeof high);
    low += high;
    return (low[0] + low[2]) + (low[1] + low[3]);
}

DGM_INLINE double dgm_sum8_d(const double *x)
{
    typedef double Four __attribute__((vector_size(4 * sizeof(double))));
    typedef double Two __attribute__((vector_size(2 * sizeof(double))));
    Four low, high;
    memcpy(&low, x, sizeof low);
    memcpy(&high, x + 4, sizeof high);
    low += high;
    Two even, odd;
    memcpy(&even, &low, sizeof even);
    memcpy(&odd, (const char *)&low + sizeof even, sizeof odd);
    even += odd;
    return even[0] + even[1];
}

#endif
