/* The page's frame, and pictures inside of it. */
#include "html.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "utf8.h"

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin:2rem 0 .5rem;"
    "border-bottom:1px solid #ddd}svg,img{max-width:100%;height:auto}table{border-collapse:collapse}"
    "th,td{padding:.15rem .8rem .15rem 0;text-align:left}td.n,th.n{text-align:right;"
    "font-variant-numeric:tabular-nums}tbody tr:nth-child(odd){background:#f6f6f6}.missing{color:#a40}"
    ".worst{display:flex;flex-wrap:wrap;gap:.8rem}figure{margin:0;width:9rem;font-size:.82rem}"
    "figure "
    "img{width:8rem;image-rendering:pixelated}dl{margin:0;display:grid;grid-template-columns:max-content 1fr;"
    "gap:.1rem 1.2rem}dd{margin:0;overflow-wrap:anywhere}.columns{columns:3 14rem}";

void rncl_html_begin(FILE *stream, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
          stream);
    rncl_html_text(stream, title);
    fprintf(stream, "</title>\n<style>%s</style></head><body>\n", style);
}

void rncl_html_end(FILE *stream)
{
    fputs("</body></html>\n", stream);
}

/* What is no UTF-8 is written as rncl_utf8_text does, but nothing is allocated: there is no status. */
void rncl_html_text(FILE *stream, const char *text)
{
    for (size_t length; *text; text += length ? length : 1) {
        length = rncl_utf8_character(text);
        if (!length)
            fprintf(stream, "\\x%02x", (unsigned char)*text);
        else if (*text == '<')
            fputs("&lt;", stream);
        else if (*text == '&')
            fputs("&amp;", stream);
        else if (*text == '"')
            fputs("&quot;", stream);
        else
            fwrite(text, 1, length, stream);
    }
}

/* RFC 4648. */
static void write_base64(FILE *stream, const unsigned char *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const uint32_t bits = (uint32_t)data[i] << 16 | (i + 1 < size ? (uint32_t)data[i + 1] << 8 : 0) |
                              (i + 2 < size ? (uint32_t)data[i + 2] : 0);
        putc(digits[bits >> 18], stream);
        putc(digits[bits >> 12 & 63], stream);
        putc(i + 1 < size ? digits[bits >> 6 & 63] : '=', stream);
        putc(i + 2 < size ? digits[bits & 63] : '=', stream);
    }
}

static void write_png(FILE *stream, const unsigned char *data, size_t size)
{
    fputs("<img alt=\"\" src=\"data:image/png;base64,", stream);
    write_base64(stream, data, size);
    fputs("\">", stream);
}

rncl_status rncl_html_raster(FILE *stream, const rncl_raster *raster)
{
    unsigned char *bytes;
    size_t size;
    RNCL_TRY(rncl_raster_png(raster, &bytes, &size));
    write_png(stream, bytes, size);
    free(bytes);
    return RNCL_OK;
}

/* Several SVGs of cairo have the same identifiers, and in one page they would be one. */
static void write_svg(FILE *stream, const char *text, const char *end, const char *name)
{
    static const char *const marks[] = {" id=\"", "href=\"#", "url(#"};
    const char *start = memmem(text, (size_t)(end - text), "<svg", 4); /* behind the XML declaration */
    for (const char *c = start ? start : text; c < end;) {
        size_t taken = 0;
        for (size_t i = 0; i < sizeof marks / sizeof *marks && !taken; i++) {
            const size_t length = strlen(marks[i]);
            if ((size_t)(end - c) >= length && !memcmp(c, marks[i], length))
                taken = length;
        }
        if (taken)
            fprintf(stream, "%.*s%s-", (int)taken, c, name);
        else
            putc(*c, stream);
        c += taken ? taken : 1;
    }
}

rncl_status rncl_html_file(FILE *stream, const char *path, const char *name)
{
    rncl_contents file;
    const char *suffix = strrchr(path, '.');
    RNCL_TRY(rncl_file_read(path, &file));
    const char *text = (const char *)file.data;
    if (suffix && !strcmp(suffix, ".svg"))
        write_svg(stream, text, text + file.size_bytes, name);
    else
        write_png(stream, file.data, file.size_bytes);
    rncl_contents_free(&file);
    return RNCL_OK;
}
