/* Moments over more than one device. The host joins in double precision: sums over many devices are as exact
 * as those over one. */
#include "batchnorm_join.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "op.h"
#include "util.h"

rncl_status rncl_batchnorm_join_init(const rncl_pass *pass, int parts, rncl_batchnorm_join *out)
{
    const int c = pass->desc.batchnorm.c;
    out->values = malloc(rncl_op_statistics_bytes(MAX(parts, 1), c));
    out->joined = calloc(1 + 2 * (size_t)c, sizeof *out->joined);
    return out->values && out->joined ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "moments of %d channels", c);
}

void rncl_batchnorm_join_fini(rncl_batchnorm_join *join)
{
    free(join->values);
    free(join->joined);
    *join = (rncl_batchnorm_join){0};
}

/* The parts in their order, by the formula of Chan, Golub and LeVeque (1979). */
static void join_parts(const rncl_batchnorm_join *join, int parts, size_t c)
{
    const float *part = join->values + rncl_op_statistics_begin(parts);
    double *means = join->joined + 1, *deviations = means + c, rows = 0;
    memset(join->joined, 0, (1 + 2 * c) * sizeof *join->joined);
    for (int i = 0; i < parts; i++, part += 2 * c) {
        const double count = (double)join->values[i], share = count > 0 ? count / (rows + count) : 0;
        for (size_t v = 0; v < c && count > 0; v++) {
            const double delta = (double)part[v] - means[v];
            means[v] += share * delta;
            deviations[v] += (double)part[c + v] + delta * delta * rows * share;
        }
        rows += count;
    }
    join->joined[0] = rows;
}

static void round_to_floats(const rncl_batchnorm_join *join, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (float)join->joined[1 + i];
}

rncl_status rncl_batchnorm_join_statistics(const rncl_pass *pass, const rncl_batchnorm_join *join, int parts,
                                           cl_mem statistics, rncl_int *rows)
{
    const size_t c = (size_t)pass->desc.batchnorm.c;
    const rncl_moments_join *others = &pass->choice.join;
    RNCL_TRY(rncl_buffer_read(pass->context, statistics, 0, rncl_op_statistics_bytes(parts, (int)c),
                              join->values));
    join_parts(join, parts, c);
    RNCL_TRY(others->join_statistics(others->user, c, join->joined));
    if (join->joined[0] > INT_MAX)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "batch normalisation over %.0f rows of all devices",
                         join->joined[0]);
    *rows = (rncl_int)join->joined[0];
    join->values[0] = (float)join->joined[0];
    round_to_floats(join, 2 * c, join->values + rncl_op_statistics_begin(1));
    return rncl_buffer_write(pass->context, statistics, 0, rncl_op_statistics_bytes(1, (int)c), join->values);
}

rncl_status rncl_batchnorm_join_means(const rncl_pass *pass, const rncl_batchnorm_join *join, cl_mem means)
{
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const rncl_moments_join *others = &pass->choice.join;
    const size_t count = 2 * (size_t)s->c, bytes = count * sizeof *join->values;
    RNCL_TRY(rncl_buffer_read(pass->context, means, 0, bytes, join->values));
    join->joined[0] = (double)s->n * s->h * s->w;
    for (size_t i = 0; i < count; i++)
        join->joined[1 + i] = (double)join->values[i];
    RNCL_TRY(others->join_means(others->user, count, join->joined));
    round_to_floats(join, count, join->values);
    return rncl_buffer_write(pass->context, means, 0, bytes, join->values);
}
