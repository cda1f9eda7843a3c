/* Assembles the source of a program and hashes it. */
#include "program_source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "kernel_sources.h"
#include "util.h"

/* The text of one kernel file, from $RNCL_KERNELS or from the library; caller frees. kernel_abi.h is
 * always the embedded one, which the host was compiled with; it is not in kernels/. */
static rncl_status source_read(const char *name, char **out)
{
    *out = NULL;
    const char *folder = getenv("RNCL_KERNELS");
    if (folder && strcmp(name, "kernel_abi.h") != 0) {
        char *path = rncl_path_join(folder, name);
        if (!path)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "path of %s", name);
        rncl_contents contents;
        rncl_status st = rncl_file_read(path, &contents);
        free(path);
        if (st)
            return st;
        *out = contents.data ? strndup((const char *)contents.data, contents.size_bytes) : strdup("");
        rncl_contents_free(&contents);
        return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "source of %s", name);
    }
    for (size_t i = 0; i < rncl_kernel_source_count; i++)
        if (!strcmp(rncl_kernel_sources[i].name, name)) {
            *out = strdup(rncl_kernel_sources[i].text);
            return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "source of %s", name);
        }
    return RNCL_FAIL(RNCL_ERR_BUILD, "%s: no such kernel file in the library", name);
}

/* Writes the file to `out`, with each line #include "…" replaced by that file, but for the file `left_out`:
 * OpenCL 1.2 has no include path for sources that are in memory. */
static rncl_status source_expand(const char *name, const char *left_out, FILE *out)
{
    if (!strcmp(name, left_out))
        return RNCL_OK;
    char *text;
    RNCL_TRY(source_read(name, &text));
    rncl_status st = RNCL_OK;
    char *next;
    for (char *line = text; line && *line && !st; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char included[64];
        if (sscanf(line, "#include \"%63[^\"]\"", included) == 1)
            st = source_expand(included, left_out, out);
        else
            fprintf(out, "%s\n", line);
    }
    free(text);
    return st;
}

static rncl_status source_assemble(const char *stem, const char *left_out, char **out)
{
    *out = NULL;
    char *name = rncl_text_format("%s.cl", stem);
    size_t size;
    FILE *stream = open_memstream(out, &size);
    if (!name || !stream) {
        free(name);
        if (stream)
            fclose(stream);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "source of %s.cl", stem);
    }
    rncl_status st = source_expand(name, left_out, stream);
    /* A stream in memory that could not grow has lost some of the text. */
    const bool lost = ferror(stream) != 0;
    if ((fclose(stream) != 0 || lost || !*out) && !st)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "source of %s.cl", stem);
    free(name);
    if (st) {
        free(*out);
        *out = NULL;
    }
    return st;
}

rncl_status rncl_program_source(const char *stem, char **out)
{
    return source_assemble(stem, "", out);
}

/* FNV-1a over the code alone: comments and white space are skipped. */
static uint64_t hash_code(const char *text)
{
    uint64_t hash = RNCL_HASH_START;
    while (*text) {
        if (text[0] == '/' && text[1] == '*') {
            const char *end = strstr(text + 2, "*/");
            text = end ? end + 2 : text + strlen(text);
        } else if (text[0] == '/' && text[1] == '/') {
            text += strcspn(text, "\n");
        } else {
            if (!isspace((unsigned char)*text))
                hash = rncl_hash(hash, text, 1);
            text++;
        }
    }
    return hash;
}

rncl_status rncl_program_source_hash(const char *name, uint64_t *hash)
{
    char *source;
    RNCL_TRY(source_assemble(name, "kernel_abi.h", &source));
    *hash = hash_code(source);
    free(source);
    return RNCL_OK;
}

rncl_status rncl_program_identity(const char *stem, const char *options, uint64_t *identity)
{
    uint64_t source;
    RNCL_TRY(rncl_program_source_hash(stem, &source));
    *identity = rncl_hash(source, options, strlen(options));
    return RNCL_OK;
}
