/* density.h - what the command line needs of a density beyond the public calls of dgm.h. */
#ifndef DGM_DENSITY_DENSITY_H
#define DGM_DENSITY_DENSITY_H

#include "data/data.h"
#include "dgm.h"

/* The numbers of a latent: values on their own support, or free numbers; those of the non-centred
 * parameterization lead to values, but not back. */
typedef enum { FORM_VALUES, FORM_FREE, FORM_NONCENTRED, N_FORMS } DensityForm;

/* Over data that are open already, and stay the caller's; source NULL: the model has none. Only the
 * programs that the model has can be asked for. threads: of one call; 0 is the default. Calls of
 * several densities may run side by side. */
DgmDensity *density_new(const DgmModel *model, DgmSource *source, int threads);
/* The same; without data, N rows where the model does not say how many. */
DgmDensity *density_new_rows(const DgmModel *model, DgmSource *source, long N, int threads);
/* Of a batch of B rows, as if these were all: density_take_rows says which, and before that it is
 * the first ones. Only where the row plate may be taken in batches (DgmModel.plate). */
DgmDensity *density_new_batch(const DgmModel *model, DgmSource *source, long B, int threads);
void density_take_rows(DgmDensity *d, long first);
long density_count(const DgmDensity *d, DensityForm form);
/* Numbers of latent i, which begin at *offset of the vector. */
long density_latent(const DgmDensity *d, DensityForm form, int i, long *offset);
/* Rows of the row plate in these data; 1 without one. */
long density_rows(const DgmDensity *d);
/* Log joint at x [density_count]; with the Jacobian if x is free. terms: NULL, or a value for each
 * term of the form's program, without sign. gradient: NULL, or [density_count]. */
double density_log_prob(DgmDensity *d, DensityForm form, const double *x, double *terms,
                        double *gradient);
/* From values to free numbers, or from free numbers of either form to values. */
void density_map(DgmDensity *d, DensityForm from, const double *x, double *y);

#endif
