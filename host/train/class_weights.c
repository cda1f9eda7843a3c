/* Class weights from a list, a file or the data. */
#include "class_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "number.h"
#include "util.h"

static rncl_status wrong_count(const char *source, int wanted, const char *how)
{
    return RNCL_FAIL(RNCL_ERR_USAGE, "--class-weights %.200s: %s than the %d classes that the network has",
                     source, how, wanted);
}

/* `source` is what messages call the text. */
static rncl_status parse(const char *source, const char *text, float *weights, int classes)
{
    static const char separators[] = " ,\t\r\n";
    const char *next = text + strspn(text, separators);
    int count = 0;
    for (; *next; count++) {
        char *rest;
        const double weight = rncl_number_parse(next, &rest);
        if (rest == next || (*rest && !strchr(separators, *rest)) || !(weight > 0) || !isfinite(weight))
            return RNCL_FAIL(RNCL_ERR_USAGE, "--class-weights %.200s: weight %d is not a number above 0",
                             source, count + 1);
        if (count == classes)
            return wrong_count(source, classes, "more weights");
        weights[count] = (float)weight;
        next = rest + strspn(rest, separators);
    }
    return count == classes ? RNCL_OK : wrong_count(source, classes, "fewer weights");
}

static rncl_status read_file(const char *path, float *weights, int classes)
{
    rncl_contents file;
    const rncl_status missing = rncl_file_read(path, &file);
    if (missing)
        return RNCL_FAIL(missing, "--class-weights: %s; it takes balanced, weights with commas, or a file",
                         rncl_status_message());
    char *text = calloc(file.size_bytes + 1, 1);
    if (text && file.data)
        memcpy(text, file.data, file.size_bytes);
    rncl_contents_free(&file);
    if (!text)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to read it", path);
    rncl_status st = parse(path, text, weights, classes);
    free(text);
    return st;
}

static rncl_status balance(const rncl_dataset *training, float *weights, int classes)
{
    const rncl_dataset_info *info = &training->info;
    uint32_t *counts = calloc((size_t)classes, sizeof *counts);
    if (!counts)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for %d classes", classes);
    int seen = 0;
    for (uint32_t i = 0; i < info->count; i++)
        seen += counts[rncl_dataset_label(training, i)]++ == 0;
    for (int c = 0; c < classes; c++)
        weights[c] = counts[c] ? (float)((double)info->count / ((double)seen * counts[c])) : 1;
    free(counts);
    return RNCL_OK;
}

static bool is_list(const char *text)
{
    return strspn(text, "0123456789+-.eE,") == strlen(text);
}

bool rncl_class_weights_is_file(const char *text)
{
    return text[0] && strcmp(text, "balanced") != 0 && !is_list(text);
}

rncl_status rncl_class_weights_make(const char *text, const rncl_dataset *training, int classes, float **out)
{
    *out = NULL;
    if (!text[0])
        return RNCL_OK;
    float *weights = calloc((size_t)classes, sizeof *weights);
    if (!weights)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for %d classes", classes);
    rncl_status st;
    if (rncl_class_weights_is_file(text))
        st = read_file(text, weights, classes);
    else if (is_list(text))
        st = parse(text, text, weights, classes);
    else
        st = balance(training, weights, classes);
    if (st) {
        free(weights);
        return st;
    }
    *out = weights;
    return RNCL_OK;
}
