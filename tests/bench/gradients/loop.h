/* loop.h - what loop.c wants of a log density over free numbers, with its Jacobian. */
#ifdef __cplusplus
extern "C" {
#endif

long   density_open(const char *data);                     /* how many free numbers */
double density_gradient(const double *u, double *gradient);   /* log density at u */

#ifdef __cplusplus
}
#endif
