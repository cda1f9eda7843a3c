/* Chooses rows and knob values; helpers for all rows. */
#include "pass.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "op.h"
#include "program_source.h"
#include "util.h"

enum { MOST_DRAWS = 100 };

const rncl_op_type *rncl_pass_type_of(const rncl_pass *pass)
{
    return rncl_op_type_of(pass->desc.kind);
}

size_t rncl_pass_rows(const rncl_pass *pass)
{
    return rncl_pass_type_of(pass)->row_count;
}

unsigned rncl_pass_elements(const rncl_pass *pass)
{
    const bool narrow = rncl_precision_is_narrow(pass->context->precision) && !pass->choice.floats;
    return narrow ? rncl_pass_type_of(pass)->elements : 0;
}

size_t rncl_pass_element_bytes(const rncl_pass *pass)
{
    return rncl_pass_elements(pass) ? sizeof(uint16_t) : sizeof(float);
}

static bool can(const rncl_pass *pass, const rncl_row *row)
{
    const bool finishes = pass->choice.epilogue && pass->index == RNCL_OP_FORWARD;
    return (!finishes || row->epilogue) && (row->narrow || !rncl_pass_elements(pass)) &&
           (!row->supports || row->supports(pass));
}

bool rncl_pass_take_row(rncl_pass *pass, size_t row)
{
    pass->row = rncl_pass_type_of(pass)->rows[row];
    pass->knobs = (rncl_knobs){0};
    if (!can(pass, pass->row))
        return false;
    if (pass->row->knobs)
        pass->row->knobs(pass, &pass->knobs);
    return rncl_knobs_resolve(&pass->knobs, NULL, pass->values);
}

/* exact_only is ignored where an operation has no exact row. */
static bool is_wanted(const rncl_pass *pass, const rncl_row *row)
{
    const rncl_op_type *type = rncl_pass_type_of(pass);
    bool choice = false;
    for (size_t i = 0; i < type->row_count; i++)
        choice = choice || type->rows[i]->exact;
    return row->exact || !pass->choice.exact_only || !choice;
}

bool rncl_pass_take_default(rncl_pass *pass)
{
    const rncl_op_type *type = rncl_pass_type_of(pass);
    for (size_t i = type->first_row[pass->context->device_class]; i < type->row_count; i++) {
        const rncl_row *row = type->rows[i];
        if (is_wanted(pass, row) && can(pass, row) && (!row->pays || row->pays(pass)))
            return rncl_pass_take_row(pass, i);
    }
    return false;
}

static bool take_named(rncl_pass *pass, const char *algorithm)
{
    const rncl_op_type *type = rncl_pass_type_of(pass);
    for (size_t i = 0; i < type->row_count; i++)
        if (!strcmp(type->rows[i]->name, algorithm) && rncl_pass_take_row(pass, i))
            return true;
    return false;
}

bool rncl_pass_supports(const rncl_pass *pass, const char *algorithm, bool *exact)
{
    rncl_pass asked = *pass;
    const bool supported = take_named(&asked, algorithm);
    *exact = supported && asked.row->exact;
    return supported;
}

bool rncl_pass_take(rncl_pass *pass, const rncl_setting *setting)
{
    return take_named(pass, setting->algorithm) && rncl_knobs_resolve(&pass->knobs, setting, pass->values) &&
           rncl_pass_allows(pass);
}

bool rncl_pass_draw(rncl_pass *pass, rncl_random *random)
{
    for (int attempt = 0; attempt < MOST_DRAWS; attempt++) {
        for (int i = 0; i < pass->knobs.count; i++) {
            const rncl_knob *knob = &pass->knobs.knobs[i];
            pass->values[i] = knob->values[rncl_random_below(random, (uint32_t)knob->count)];
        }
        if (rncl_pass_allows(pass))
            return true;
    }
    return false;
}

bool rncl_pass_allows(const rncl_pass *pass)
{
    return !pass->row->allows || pass->row->allows(pass);
}

rncl_setting rncl_pass_setting(const rncl_pass *pass)
{
    return rncl_knobs_setting(&pass->knobs, pass->row->name, pass->values);
}

static bool algorithm_exists(const rncl_op_type *type, const char *name)
{
    for (size_t i = 0; i < type->row_count; i++)
        if (!strcmp(type->rows[i]->name, name))
            return true;
    return false;
}

/* Results that were tuned with elements of 2 bytes are not of passes with floats. */
static bool has_results(const rncl_pass *pass)
{
    return !rncl_precision_is_narrow(pass->context->precision) || !pass->choice.floats;
}

/* A tuned setting is used for a named algorithm too, if it was made for that algorithm. */
static bool take_tuned(rncl_pass *pass, const char *algorithm)
{
    const rncl_tuned *tuned = &pass->choice.tuned;
    const rncl_setting *setting =
        tuned->lookup && has_results(pass) ? tuned->lookup(tuned->state, &pass->desc, pass->index) : NULL;
    pass->tuned = setting && (!algorithm || !strcmp(algorithm, setting->algorithm)) &&
                  rncl_pass_take(pass, setting) && is_wanted(pass, pass->row);
    return pass->tuned;
}

rncl_status rncl_pass_plan(rncl_pass *pass)
{
    const rncl_op_type *type = rncl_pass_type_of(pass);
    const char *algorithm = pass->choice.algorithm;
    if (algorithm && !algorithm_exists(type, algorithm) && !*type->rows[0]->name)
        algorithm = NULL; /* the operation has a row without a name: it was not meant */
    if (algorithm && !algorithm_exists(type, algorithm))
        return RNCL_FAIL(RNCL_ERR_USAGE, "no algorithm %s for operation %s", algorithm, type->name);
    if (!take_tuned(pass, algorithm) && !(algorithm && take_named(pass, algorithm)) &&
        !rncl_pass_take_default(pass)) {
        pass->row = NULL;
        return RNCL_FAIL(RNCL_ERR_SHAPE, "no algorithm on %s can do %s of operation %s at this shape%s",
                         pass->context->info.name, type->passes[pass->index].name, type->name,
                         rncl_pass_elements(pass) ? " in 2 bytes; --precision fp32 has more" : "");
    }
    return pass->row->plan(pass);
}

void rncl_pass_fini(rncl_pass *pass)
{
    if (pass->row && pass->data)
        pass->row->destroy(pass);
    *pass = (rncl_pass){0};
}

const rncl_pass *rncl_pass_to_tune(const rncl_pass *pass)
{
    return pass->row->part ? pass->row->part(pass) : pass;
}

double rncl_pass_rounding(const rncl_pass *pass)
{
    const rncl_pass *product = rncl_pass_to_tune(pass);
    return product->row->rounding ? product->row->rounding(product) : 0.0;
}

bool rncl_pass_is_tunable(const rncl_pass *pass)
{
    const rncl_pass *product = rncl_pass_to_tune(pass);
    return product->row->knobs != NULL && has_results(product);
}

static bool is_listed(const rncl_row *row, const char *program)
{
    for (size_t i = 0; i < COUNT(row->programs) && row->programs[i]; i++)
        if (!strcmp(row->programs[i], program))
            return true;
    return false;
}

rncl_status rncl_pass_kernel(const rncl_pass *pass, const char *program, const char *options,
                             const char *name, rncl_kernel *out)
{
    if (!is_listed(pass->row, program))
        return RNCL_FAIL(RNCL_ERR_BUILD, "kernels/%s.cl is not among the programs of row \"%s\"", program,
                         pass->row->name);
    char of_elements[RNCL_OPTIONS_SIZE];
    if (!rncl_pass_elements(pass))
        return rncl_kernel_create(pass->context, program, options, name, out);
    if (rncl_precision_element(pass->context->precision) == RNCL_ELEMENT_HALF) {
        snprintf(of_elements, sizeof of_elements, "%s -DFP16", options);
        return rncl_kernel_create(pass->context, program, of_elements, name, out);
    }
    const rncl_matrix_unit *unit = rncl_matrix_unit_of(pass->context);
    const bool converts = unit && unit->id == RNCL_UNIT_X86_BF16 && !pass->context->matrix.emulated;
    snprintf(of_elements, sizeof of_elements, "%s -DBF16%s", options, converts ? " -DAVX512_BF16=1" : "");
    return rncl_kernel_create(pass->context, program, of_elements, name, out);
}

void rncl_pass_options(const rncl_pass *pass, int first, int count, char options[RNCL_OPTIONS_SIZE],
                       const char *format, ...)
{
    size_t length = 0;
    for (int i = first; i < first + count; i++)
        if (pass->knobs.knobs[i].is.define)
            length += (size_t)snprintf(options + length, RNCL_OPTIONS_SIZE - length, "-D%s=%d ",
                                       pass->knobs.knobs[i].is.define, pass->values[i]);
    va_list arguments;
    va_start(arguments, format);
    length += (size_t)vsnprintf(options + length, RNCL_OPTIONS_SIZE - length, format, arguments);
    va_end(arguments);
    assert(length < RNCL_OPTIONS_SIZE);
}

bool rncl_pass_accumulates(const rncl_pass *pass, const rncl_op_scalars *scalars)
{
    const rncl_pass_type *type = &rncl_pass_type_of(pass)->passes[pass->index];
    return (type->for_dx && scalars->flags & RNCL_OP_ACCUMULATE_DX) ||
           (type->for_parameters && scalars->flags & RNCL_OP_ACCUMULATE_PARAMS);
}

rncl_status rncl_algorithm_hash(rncl_op_kind kind, const char *algorithm, uint64_t *hash)
{
    const rncl_op_type *type = rncl_op_type_of(kind);
    *hash = 0;
    for (size_t i = 0; i < type->row_count; i++) {
        const rncl_row *row = type->rows[i];
        for (size_t j = 0; !strcmp(row->name, algorithm) && j < COUNT(row->programs) && row->programs[j];
             j++) {
            uint64_t of_program;
            RNCL_TRY(rncl_program_source_hash(row->programs[j], &of_program));
            *hash = rncl_hash(*hash ? *hash : RNCL_HASH_START, &of_program, sizeof of_program);
        }
    }
    return RNCL_OK;
}
