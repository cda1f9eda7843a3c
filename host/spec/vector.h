/* What the specifications of operations on whole vectors of floats share. */
#ifndef RNCL_SPEC_VECTOR_H
#define RNCL_SPEC_VECTOR_H

#include "slice.h"

/* Every tensor is a vector of desc.n floats, any of which can be computed alone. */
rncl_spec_layout rncl_vector_layout(const rncl_spec_case *c, rncl_slot slot);
void rncl_vector_cut(rncl_spec_slice *slice);
double rncl_vector_work(const rncl_spec_case *c);

/* Results of a few operations each. */
rncl_spec_sum rncl_vector_sum(const rncl_spec_case *c, rncl_slot slot);

/* Any length. */
int rncl_vector_draw(rncl_random *random);

#endif
