/* The ways in which a shape is tried. */
#ifndef RNCL_CHECK_VARIANTS_H
#define RNCL_CHECK_VARIANTS_H

#include "spec.h"

typedef struct check_variant {
    const char *name;
    bool integers;  /* small integers, on which exact rows must be exact; else normal numbers */
    bool inference; /* no backward; batch normalisation takes its running statistics */
    bool in_place;  /* dresidual is dy, and dx is x, where they may be */
    bool no_dx;     /* nobody wants dx */
    bool frozen;    /* parameters and running statistics stay as they are */
    unsigned flags; /* of backward */
} check_variant;

enum { CHECK_VARIANTS = 24 };

/* Those that mean something to the operation; how many. Fixed shapes run all, random ones two neighbours in
 * turn. */
size_t check_variants_of(rncl_op_kind kind, const check_variant *variants[CHECK_VARIANTS]);

#endif
