/* Problems and their keys. */
#include "problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Prefix of a key: "batchnorm "; "" for convolution. */
static const char *prefix_of(rncl_op_kind kind, char prefix[32])
{
    snprintf(prefix, 32, "%.30s ", kind == RNCL_OP_conv ? "" : rncl_op_type_of(kind)->name);
    return kind == RNCL_OP_conv ? "" : prefix;
}

void rncl_problem_key(const rncl_problem *problem, char key[RNCL_PROBLEM_KEY])
{
    const rncl_op_kind kind = problem->desc.kind;
    char prefix[32], shape[RNCL_SPEC_TEXT];
    rncl_spec_describe(&problem->desc, shape);
    snprintf(key, RNCL_PROBLEM_KEY, "%s%.31s%s", prefix_of(kind, prefix),
             rncl_op_type_of(kind)->passes[problem->pass].name, shape);
}

/* Removes the word from the front of *text if *text begins with it. */
static bool take_word(const char **text, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0 || ((*text)[length] && (*text)[length] != ' '))
        return false;
    *text += length;
    return true;
}

static bool take_value(const char **text, const rncl_spec_field *f, rncl_op_desc *desc)
{
    for (int i = 0; f->words && f->words[i]; i++)
        if (take_word(text, f->words[i])) {
            rncl_spec_field_set(desc, f, i);
            return true;
        }
    if (f->words || **text < '0' || **text > '9')
        return false;
    char *end;
    const long value = strtol(*text, &end, 10);
    if ((*end && *end != ' ') || value > INT32_MAX || (!value && !f->zero))
        return false;
    rncl_spec_field_set(desc, f, (int)value);
    *text = end;
    return true;
}

/* Parses " n16 h56 …", all fields in order. */
static bool take_fields(const char *text, rncl_op_desc *desc)
{
    RNCL_FOR_FIELDS (desc->kind, f) {
        char lead[32];
        const size_t length = (size_t)snprintf(lead, sizeof lead, " %s", f->name);
        const bool there = !strncmp(text, lead, length);
        if (!there && f->optional)
            continue;
        if (!there)
            return false;
        text += length;
        if (!take_value(&text, f, desc))
            return false;
    }
    const rncl_spec *spec = rncl_spec_of(desc->kind);
    return !*text && (!spec->complete || spec->complete(desc));
}

bool rncl_problem_parse(const char *key, rncl_problem *out)
{
    for (rncl_op_kind kind = 0; kind < RNCL_OP_COUNT; kind++)
        for (int pass = 0; pass < RNCL_OP_PASSES; pass++) {
            char buffer[32];
            const char *prefix = prefix_of(kind, buffer), *name = rncl_op_type_of(kind)->passes[pass].name;
            const size_t length = strlen(prefix);
            *out = (rncl_problem){.desc = {.kind = kind}, .pass = pass};
            if (!name || strncmp(key, prefix, length) != 0)
                continue;
            const char *text = key + length;
            if (take_word(&text, name) && take_fields(text, &out->desc))
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
    RNCL_FOR_FIELDS (a->desc.kind, f)
        if (f->form && rncl_spec_field_value(&a->desc, f) != rncl_spec_field_value(&b->desc, f))
            return false;
    return true;
}

double rncl_problem_flops(const rncl_problem *problem)
{
    const rncl_op_type *type = rncl_op_type_of(problem->desc.kind);
    return type->macs ? 2.0 * problem->desc.n * (double)type->macs(&problem->desc) : 0;
}

rncl_pass rncl_problem_pass(rncl_context *context, const rncl_problem *problem)
{
    return (rncl_pass){.context = context, .desc = problem->desc, .index = problem->pass};
}
