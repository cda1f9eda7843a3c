/* Label files. */
#include "labels.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "utf8.h"
#include "util.h"

/* The first line of `text`, which moves behind it; without the end that DOS gives it. */
static rncl_contents next_line(rncl_contents *text)
{
    const unsigned char *end = memchr(text->data, '\n', text->size_bytes);
    const size_t length = end ? (size_t)(end - text->data) : text->size_bytes;
    rncl_contents line = {text->data, length};
    text->data += length + (end != NULL);
    text->size_bytes -= length + (end != NULL);
    if (length && line.data[length - 1] == '\r')
        line.size_bytes--;
    return line;
}

static rncl_contents without_mark(rncl_contents text)
{
    static const unsigned char mark[] = {0xef, 0xbb, 0xbf}; /* editors of Windows begin UTF-8 with it */
    if (text.size_bytes < sizeof mark || memcmp(text.data, mark, sizeof mark) != 0)
        return text;
    return (rncl_contents){text.data + sizeof mark, text.size_bytes - sizeof mark};
}

static rncl_status set_labels(const char *path, rncl_contents text, size_t count, rncl_model_meta *meta)
{
    rncl_model_meta named = {0};
    named.labels = calloc(MAX(count, (size_t)1), sizeof *named.labels);
    for (size_t i = 0; named.labels && i < count; i++) {
        const rncl_contents line = next_line(&text);
        char *name = strndup((const char *)line.data, line.size_bytes);
        named.labels[i] = name ? rncl_utf8_text(name) : NULL;
        free(name);
        if (!named.labels[i])
            break;
        named.label_count++;
    }
    if ((size_t)named.label_count != count) {
        rncl_model_meta_fini(&named);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for %zu labels", path, count);
    }
    rncl_model_meta old = {.labels = meta->labels, .label_count = meta->label_count};
    rncl_model_meta_fini(&old);
    meta->labels = named.labels;
    meta->label_count = named.label_count;
    return RNCL_OK;
}

static rncl_status read_lines(const char *path, rncl_contents text, int classes, rncl_model_meta *meta)
{
    enum { MOST_LABELS = 1000000 }; /* as many as a network may have classes */
    if (memchr(text.data, '\0', text.size_bytes))
        return RNCL_FAIL(RNCL_ERR_USAGE, "--labels %s: not a text file with one name a line", path);
    size_t count = 0, named = 0; /* lines; those up to the last that is not empty */
    for (rncl_contents rest = text; rest.size_bytes;) {
        count++;
        if (next_line(&rest).size_bytes)
            named = count;
    }
    /* Empty lines at the end are names only where so many are wanted. */
    count = MIN(count, MAX(named, (size_t)classes));
    if (classes && count != (size_t)classes)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "--labels %s: it has %zu names, one a line, and the network %d classes", path, count,
                         classes);
    if (count > MOST_LABELS)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--labels %s: %zu names are more than any network has classes", path,
                         count);
    return set_labels(path, text, count, meta);
}

rncl_status rncl_labels_read(const char *path, int classes, rncl_model_meta *meta)
{
    rncl_contents file;
    if (rncl_file_read(path, &file))
        return RNCL_FAIL(RNCL_ERR_USAGE, "--labels %s", rncl_status_message());
    const rncl_contents text = without_mark(file);
    rncl_status st;
    if (text.size_bytes)
        st = read_lines(path, text, classes, meta);
    else
        st = RNCL_FAIL(RNCL_ERR_USAGE, "--labels %s: the file is empty", path);
    rncl_contents_free(&file);
    return st;
}

rncl_status rncl_labels_default(int classes, rncl_model_meta *meta)
{
    if (classes != RNCL_IMAGENET_CLASSES || meta->label_count)
        return RNCL_OK;
    meta->labels = calloc((size_t)classes, sizeof *meta->labels);
    for (int i = 0; meta->labels && i < RNCL_IMAGENET_CLASSES; i++) {
        meta->labels[i] = strdup(rncl_imagenet_labels[i]);
        if (!meta->labels[i])
            break;
        meta->label_count++;
    }
    if (meta->label_count != RNCL_IMAGENET_CLASSES)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the names of ImageNet's classes");
    return RNCL_OK;
}
