/* The table of specifications, and shapes as text. */
#include "spec.h"

#include <stdio.h>
#include <string.h>

#define X(stem) extern const rncl_spec rncl_spec_##stem;
RNCL_OP_LIST(X)
#undef X

static const rncl_spec *const specs[RNCL_OP_COUNT] = {
#define X(stem) [RNCL_OP_##stem] = &rncl_spec_##stem,
    RNCL_OP_LIST(X)
#undef X
};

const rncl_spec *rncl_spec_of(rncl_op_kind kind)
{
    return specs[kind];
}

rncl_spec_case rncl_spec_training_case(const rncl_op_desc *desc, int pass)
{
    rncl_spec_case c = {.desc = *desc, .pass = pass, .scalars = specs[desc->kind]->scalars};
    c.scalars.flags = RNCL_OP_TRAINING;
    return c;
}

/* All shapes begin at the union's address. */
int rncl_spec_field_value(const rncl_op_desc *desc, const rncl_spec_field *field)
{
    rncl_int value;
    memcpy(&value, (const char *)&desc->n + field->offset, sizeof value);
    return value;
}

void rncl_spec_field_set(rncl_op_desc *desc, const rncl_spec_field *field, int value)
{
    const rncl_int exact = value;
    memcpy((char *)&desc->n + field->offset, &exact, sizeof exact);
}

void rncl_spec_describe(const rncl_op_desc *desc, char text[RNCL_SPEC_TEXT])
{
    int length = 0;
    text[0] = '\0';
    RNCL_FOR_FIELDS (desc->kind, f) {
        const int value = rncl_spec_field_value(desc, f);
        const size_t room = (size_t)(RNCL_SPEC_TEXT - length);
        if (f->words)
            length += snprintf(text + length, room, " %s%s", f->name, f->words[value]);
        else if (value || !f->optional)
            length += snprintf(text + length, room, " %s%d", f->name, value);
    }
}
