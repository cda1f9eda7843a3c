/* Section by section. Pictures are drawn into a folder of their own first, since cairo writes files. */
#include "report_page.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset.h"
#include "file.h"
#include "html.h"
#include "meter.h"
#include "number.h"
#include "plot.h"
#include "plot_files.h"
#include "plot_runs.h"
#include "rncl/version.h"
#include "watch_panel.h"

/* A matrix of more classes is a picture of pixels: as shapes it would have a million of them. */
enum { MOST_DRAWN_CLASSES = 40 };

typedef struct page {
    const rncl_report *report;
    FILE *stream;
    char folder[256]; /* for pictures */
} page;

static void heading(const page *p, const char *text)
{
    fprintf(p->stream, "<h2>%s</h2>\n", text);
}

static void missing(const page *p, const char *what, const char *why)
{
    fprintf(p->stream, "<p class=\"missing\">%s: ", what);
    rncl_html_text(p->stream, why);
    fputs("</p>\n", p->stream);
}

/* ---- pictures ---- */

static rncl_status draw_curves(const page *p, const char *path)
{
    return rncl_plot_curves(path, p->report->run->folder);
}

static rncl_status draw_confusion(const page *p, const char *path)
{
    const rncl_confusion *c = &p->report->confusion;
    return rncl_plot_confusion(path, c->counts, c->classes, c->labels);
}

static rncl_status draw_filters(const page *p, const char *path)
{
    return rncl_plot_model_filters(p->report->options->model, path);
}

/* A picture that this run cannot have leaves the reason; one that cannot be written or read is a failure. */
static rncl_status picture(const page *p, const char *name, const char *suffix,
                           rncl_status (*draw)(const page *p, const char *path))
{
    char path[sizeof p->folder + 32];
    snprintf(path, sizeof path, "%s/%s.%s", p->folder, name, suffix);
    rncl_status st = draw(p, path);
    if (!st)
        st = rncl_html_file(p->stream, path, name);
    unlink(path);
    if (!st || st == RNCL_ERR_MEMORY || st == RNCL_ERR_IO)
        return st;
    missing(p, "Not drawn", rncl_status_message());
    return RNCL_OK;
}

/* ---- numbers ---- */

static void write_summary(const page *p)
{
    const rncl_followed_run *run = p->report->run;
    const rncl_options *options = p->report->options;
    fputs("<h1>", p->stream);
    rncl_html_text(p->stream, run->folder);
    fprintf(p->stream, "</h1>\n<p>%s-%d on ", rncl_arch_name(options->network.arch), options->network.depth);
    const bool built_in = !options->data[0] || !strcmp(options->data, RNCL_DATA_BUILT_IN);
    rncl_html_text(p->stream, built_in ? "the built-in shapes" : options->data);
    fprintf(p->stream, "; %s, %lld of %lld steps", rncl_watch_phase(run), (long long)run->progress.step,
            (long long)run->total);
    const size_t best = rncl_followed_run_best(run);
    if (best < run->metrics.rows)
        rncl_number_print(p->stream, "; best validation top-1 <strong>%.2f %%</strong> at epoch %.4g",
                          100 - run->metrics.values[RNCL_FOLLOWED_VAL_ERROR][best],
                          run->metrics.values[RNCL_FOLLOWED_EPOCH][best]);
    fputs(".</p>\n", p->stream);
}

static void write_result(const page *p)
{
    const rncl_evaluation *r = &p->report->result;
    heading(p, "The best model on the validation pictures");
    rncl_number_print(p->stream, "<p>%" PRId64 " pictures: top-1 %.2f %%, top-5 %.2f %%, loss %.4f.</p>\n",
                      r->images, r->top1, r->top5, r->loss);
}

static void write_share(const page *p, uint64_t part, uint64_t whole)
{
    if (whole)
        rncl_number_print(p->stream, "<td class=\"n\">%.2f</td>", 100 * (double)part / (double)whole);
    else
        fputs("<td class=\"n\">–</td>", p->stream);
}

/* The class that pictures of class `truth` are mistaken for most; -1: none is. */
static int most_mistaken(const rncl_confusion *c, int truth, uint64_t *count)
{
    int most = -1;
    *count = 0;
    for (int i = 0; i < c->classes; i++) {
        const uint64_t here = c->counts[(size_t)truth * (size_t)c->classes + (size_t)i];
        if (i != truth && here > *count) {
            *count = here;
            most = i;
        }
    }
    return most;
}

static void write_class(const page *p, const rncl_confusion *c, int class)
{
    uint64_t images = 0, answers = 0, mistaken;
    const size_t classes = (size_t)c->classes, row = (size_t) class;
    const uint64_t right = c->counts[row * classes + row];
    for (size_t i = 0; i < classes; i++) {
        images += c->counts[row * classes + i];
        answers += c->counts[i * classes + row];
    }
    fputs("<tr><td>", p->stream);
    rncl_html_text(p->stream, c->labels[class]);
    fprintf(p->stream, "</td><td class=\"n\">%" PRIu64 "</td>", images);
    write_share(p, right, images);
    write_share(p, right, answers);
    const int other = most_mistaken(c, class, &mistaken);
    fputs("<td>", p->stream);
    if (other >= 0) {
        rncl_html_text(p->stream, c->labels[other]);
        fprintf(p->stream, " (%" PRIu64 ")", mistaken);
    }
    fputs("</td></tr>\n", p->stream);
}

static void write_classes(const page *p)
{
    const rncl_confusion *c = &p->report->confusion;
    heading(p, "Classes");
    fputs("<table><thead><tr><th>class</th><th class=\"n\">pictures</th><th class=\"n\">recall %</th>"
          "<th class=\"n\">precision %</th><th>mistaken most for</th></tr></thead><tbody>\n",
          p->stream);
    for (int i = 0; i < c->classes; i++)
        write_class(p, c, i);
    fputs("</tbody></table>\n", p->stream);
}

static rncl_status write_worst(const page *p)
{
    const rncl_worst *worst = &p->report->worst;
    char *const *labels = (char *const *)p->report->confusion.labels;
    heading(p, "Pictures that it gets most wrong");
    if (!worst->count)
        fputs("<p>It gets all of them right.</p>\n", p->stream);
    fputs("<div class=\"worst\">\n", p->stream);
    for (int i = 0; i < worst->count; i++) {
        const rncl_verdict *verdict = &worst->entries[i].verdict;
        fputs("<figure>", p->stream);
        RNCL_TRY(rncl_html_raster(p->stream, &worst->entries[i].picture));
        fputs("<figcaption><strong>", p->stream);
        rncl_html_text(p->stream, labels[verdict->label]);
        rncl_number_print(p->stream, "</strong> %.2g %%<br>answer: ", 100 * verdict->label_share);
        rncl_html_text(p->stream, labels[verdict->answer]);
        rncl_number_print(p->stream, " %.1f %%</figcaption></figure>\n", 100 * verdict->share);
    }
    fputs("</div>\n", p->stream);
    return RNCL_OK;
}

static void write_configuration(const page *p)
{
    heading(p, "Configuration");
    fputs("<div class=\"columns\"><dl>\n", p->stream);
    for (size_t i = 0; i < rncl_option_count; i++) {
        const rncl_option *option = &rncl_option_table[i];
        char text[RNCL_TEXT_LENGTH];
        if (!option->in_config || !(option->commands & RNCL_FOR_TRAIN))
            continue;
        rncl_option_format(p->report->options, option, text, sizeof text);
        if (!text[0])
            continue;
        fprintf(p->stream, "<dt>%s</dt><dd>", option->name);
        rncl_html_text(p->stream, text);
        fputs("</dd>\n", p->stream);
    }
    fputs("</dl></div>\n", p->stream);
}

/* ---- the whole ---- */

static rncl_status write_evaluation(const page *p)
{
    if (p->report->missing[0]) {
        heading(p, "The best model on the validation pictures");
        missing(p,
                "Confusion matrix, table of classes and worst pictures are missing, since the model has not "
                "been evaluated",
                p->report->missing);
        return RNCL_OK;
    }
    write_result(p);
    RNCL_TRY(picture(p, "confusion", p->report->confusion.classes > MOST_DRAWN_CLASSES ? "png" : "svg",
                     draw_confusion));
    write_classes(p);
    return write_worst(p);
}

static rncl_status write_page(const page *p)
{
    rncl_html_begin(p->stream, p->report->run->folder);
    write_summary(p);
    heading(p, "Curves");
    RNCL_TRY(picture(p, "curves", "svg", draw_curves));
    RNCL_TRY(write_evaluation(p));
    if (p->report->options->model[0]) {
        heading(p, "Filters of the first layer");
        RNCL_TRY(picture(p, "filters", "svg", draw_filters));
    }
    write_configuration(p);
    fputs("<p>Made by rncl " RNCL_VERSION ".</p>\n", p->stream);
    rncl_html_end(p->stream);
    return RNCL_OK;
}

/* In $TMPDIR or /tmp. */
static rncl_status make_folder(page *p)
{
    const char *given = getenv("TMPDIR"), *parent = given && *given ? given : "/tmp";
    if (snprintf(p->folder, sizeof p->folder, "%s/rncl-report-XXXXXX", parent) < (int)sizeof p->folder &&
        mkdtemp(p->folder))
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_IO, "%.200s: cannot create a folder for pictures: %s", parent, strerror(errno));
}

rncl_status rncl_report_page_write(const rncl_report *report, const char *path)
{
    page p = {.report = report};
    RNCL_TRY(make_folder(&p));
    rncl_atomic_file file;
    rncl_status st = rncl_atomic_file_create(path, &file);
    if (!st) {
        p.stream = file.stream;
        st = write_page(&p);
        if (st)
            rncl_atomic_file_abandon(&file);
        else
            st = rncl_atomic_file_commit(&file);
    }
    rmdir(p.folder);
    return st;
}
