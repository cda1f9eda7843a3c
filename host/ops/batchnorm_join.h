/* What batch normalisation has computed of this device's pictures, on its way through the host to others and
 * back. */
#ifndef RNCL_OPS_BATCHNORM_JOIN_H
#define RNCL_OPS_BATCHNORM_JOIN_H

#include "pass.h"

typedef struct rncl_batchnorm_join {
    float *values;  /* as on the device */
    double *joined; /* [1 + 2 c]: rows, and what is joined */
} rncl_batchnorm_join;

/* Room on the host for the parts that `pass` joins. RNCL_ERR_MEMORY; the caller still calls fini. */
rncl_status rncl_batchnorm_join_init(const rncl_pass *pass, int parts, rncl_batchnorm_join *out);
void rncl_batchnorm_join_fini(rncl_batchnorm_join *join);

/* Replaces statistics of so many parts (kernels/statistics.clh) by one part, the statistics of everybody's
 * rows. *rows: their number. Waits for the device and for the others. */
rncl_status rncl_batchnorm_join_statistics(const rncl_pass *pass, const rncl_batchnorm_join *join, int parts,
                                           cl_mem statistics, rncl_int *rows);

/* The same for the means [2][c], at the beginning of `means`, that the gradient needs. */
rncl_status rncl_batchnorm_join_means(const rncl_pass *pass, const rncl_batchnorm_join *join, cl_mem means);

#endif
