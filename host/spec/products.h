/* Operations whose results are sums of products of their inputs. */
#ifndef RNCL_SPEC_PRODUCTS_H
#define RNCL_SPEC_PRODUCTS_H

#include "spec.h"

/* For rncl_spec.unit: the largest sum of the absolute values of a result's terms. INFINITY if there is no
 * memory to compute it. */
double rncl_products_unit(const rncl_spec_case *c, double *const tensors[RNCL_SLOTS], rncl_slot slot);

#endif
