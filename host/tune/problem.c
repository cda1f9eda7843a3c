/* Problems and their names. */
#include "problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* A member of a shape as it stands in a key: its name and its value, which is a number or a word. */
typedef struct field {
    const char *name;
    size_t offset;
    bool form;                /* not a size: kernels of another one have little in common */
    bool zero;                /* may be 0 */
    bool optional;            /* left out where it is 0 */
    const char *const *words; /* the values' names, NULL at the end; NULL: numbers */
} field;

enum { MOST_FIELDS = 12 };

typedef struct key_format {
    const char *operation; /* with a space behind it; "" for convolution */
    field fields[MOST_FIELDS];
    bool (*complete)(rncl_op_desc *desc); /* fills the other members; false if there is no such shape. NULL:
                                             there are none */
} key_format;

#define FIELD(shape, member, ...)                                                                            \
    {                                                                                                        \
        .name = #member, .offset = offsetof(rncl_##shape##_shape, member), __VA_ARGS__                       \
    }

static bool complete_conv(rncl_op_desc *desc)
{
    rncl_conv_shape *s = &desc->conv;
    s->p = rncl_window_output(s->h, s->r, s->stride, s->pad);
    s->q = rncl_window_output(s->w, s->s, s->stride, s->pad);
    return s->p > 0 && s->q > 0;
}

static bool complete_maxpool(rncl_op_desc *desc)
{
    rncl_maxpool_shape *s = &desc->maxpool;
    s->p = rncl_window_output(s->h, s->size, s->stride, s->pad);
    s->q = rncl_window_output(s->w, s->size, s->stride, s->pad);
    return s->p > 0 && s->q > 0;
}

static const char *const residual_words[] = {
    [RNCL_RESIDUAL_NONE] = "none",
    [RNCL_RESIDUAL_ADD] = "add",
    [RNCL_RESIDUAL_PAD] = "pad",
    NULL,
};

/* Those without fields are not tuned by themselves. */
static const key_format formats[RNCL_OP_COUNT] = {
    [RNCL_OP_conv] = {.operation = "",
                      .fields = {FIELD(conv, n), FIELD(conv, h), FIELD(conv, w), FIELD(conv, c),
                                 FIELD(conv, k), FIELD(conv, r, .form = true), FIELD(conv, s),
                                 FIELD(conv, stride, .form = true), FIELD(conv, pad, .zero = true)},
                      .complete = complete_conv},
    [RNCL_OP_batchnorm] = {.operation = "batchnorm ",
                           .fields = {FIELD(batchnorm, n),
                                      FIELD(batchnorm, h),
                                      FIELD(batchnorm, w),
                                      FIELD(batchnorm, c),
                                      FIELD(batchnorm, relu, .zero = true),
                                      {.name = "residual_",
                                       .offset = offsetof(rncl_batchnorm_shape, residual),
                                       .form = true,
                                       .words = residual_words},
                                      FIELD(batchnorm, residual_h, .optional = true),
                                      FIELD(batchnorm, residual_w, .optional = true),
                                      FIELD(batchnorm, residual_c, .optional = true),
                                      FIELD(batchnorm, residual_stride, .optional = true)}},
    [RNCL_OP_maxpool] = {.operation = "maxpool ",
                         .fields = {FIELD(maxpool, n), FIELD(maxpool, h), FIELD(maxpool, w),
                                    FIELD(maxpool, c), FIELD(maxpool, size, .form = true),
                                    FIELD(maxpool, stride, .form = true), FIELD(maxpool, pad, .zero = true)},
                         .complete = complete_maxpool},
    [RNCL_OP_avgpool] = {.operation = "avgpool ",
                         .fields = {FIELD(avgpool, n), FIELD(avgpool, h), FIELD(avgpool, w),
                                    FIELD(avgpool, c)}},
    [RNCL_OP_softmax] = {.operation = "softmax ", .fields = {FIELD(softmax, n), FIELD(softmax, k)}},
    [RNCL_OP_sgd] = {.operation = "sgd ", .fields = {FIELD(sgd, n)}},
};

#define FOR_FIELDS(kind, f) for (const field *f = formats[kind].fields; f->name; f++)

/* Shapes lie where the union of them does. */
static int value_of(const rncl_op_desc *desc, const field *f)
{
    rncl_int value;
    memcpy(&value, (const char *)&desc->n + f->offset, sizeof value);
    return value;
}

static void set_value(rncl_op_desc *desc, const field *f, int value)
{
    const rncl_int exact = value;
    memcpy((char *)&desc->n + f->offset, &exact, sizeof exact);
}

void rncl_problem_key(const rncl_problem *problem, char key[RNCL_PROBLEM_KEY])
{
    const rncl_op_kind kind = problem->desc.kind;
    int length = snprintf(key, RNCL_PROBLEM_KEY, "%s%s", formats[kind].operation,
                          rncl_op_type_of(kind)->passes[problem->pass].name);
    FOR_FIELDS(kind, f)
    {
        const int value = value_of(&problem->desc, f);
        if (f->words)
            length += snprintf(key + length, (size_t)(RNCL_PROBLEM_KEY - length), " %s%s", f->name,
                               f->words[value]);
        else if (value || !f->optional)
            length += snprintf(key + length, (size_t)(RNCL_PROBLEM_KEY - length), " %s%d", f->name, value);
    }
}

/* Takes the word off the front of *text if it stands there and ends there. */
static bool take_word(const char **text, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0 || ((*text)[length] && (*text)[length] != ' '))
        return false;
    *text += length;
    return true;
}

static bool take_value(const char **text, const field *f, rncl_op_desc *desc)
{
    for (int i = 0; f->words && f->words[i]; i++)
        if (take_word(text, f->words[i])) {
            set_value(desc, f, i);
            return true;
        }
    if (f->words || **text < '0' || **text > '9')
        return false;
    char *end;
    const long value = strtol(*text, &end, 10);
    if ((*end && *end != ' ') || value > INT32_MAX || (!value && !f->zero))
        return false;
    set_value(desc, f, (int)value);
    *text = end;
    return true;
}

/* " n16 h56 …": every field in its place. */
static bool take_fields(const char *text, rncl_op_desc *desc)
{
    FOR_FIELDS(desc->kind, f)
    {
        char lead[32];
        const size_t length = (size_t)snprintf(lead, sizeof lead, " %s", f->name);
        const bool there = !strncmp(text, lead, length);
        if (!there && f->optional)
            continue;
        text += length;
        if (!there || !take_value(&text, f, desc))
            return false;
    }
    const key_format *format = &formats[desc->kind];
    return !*text && (!format->complete || format->complete(desc));
}

bool rncl_problem_parse(const char *key, rncl_problem *out)
{
    for (rncl_op_kind kind = 0; kind < RNCL_OP_COUNT; kind++)
        for (int pass = 0; formats[kind].operation && pass < RNCL_OP_PASSES; pass++) {
            const size_t length = strlen(formats[kind].operation);
            const char *name = rncl_op_type_of(kind)->passes[pass].name, *text = key + length;
            *out = (rncl_problem){.desc = {.kind = kind}, .pass = pass};
            if (name && !strncmp(key, formats[kind].operation, length) && take_word(&text, name) &&
                take_fields(text, &out->desc))
                return true;
        }
    return false;
}

bool rncl_problem_equal(const rncl_problem *a, const rncl_problem *b)
{
    return a->pass == b->pass && rncl_op_desc_equal(&a->desc, &b->desc);
}

bool rncl_problem_alike(const rncl_problem *a, const rncl_problem *b)
{
    rncl_problem same = *a;
    same.desc.n = b->desc.n;
    return rncl_problem_equal(&same, b);
}

bool rncl_problem_related(const rncl_problem *a, const rncl_problem *b)
{
    if (a->desc.kind != b->desc.kind || a->pass != b->pass)
        return false;
    FOR_FIELDS(a->desc.kind, f)
    if (f->form && value_of(&a->desc, f) != value_of(&b->desc, f))
        return false;
    return true;
}

double rncl_problem_flops(const rncl_problem *problem)
{
    const rncl_conv_shape *s = &problem->desc.conv;
    return problem->desc.kind == RNCL_OP_conv ? 2.0 * s->n * s->p * s->q * s->k * s->r * s->s * s->c : 0;
}
