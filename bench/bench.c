/* Rows: kept, said as they come, and written at the end as a table and as JSON. */
#include "bench/bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "bench/output.h"

static void set_text(char *dst, const char *text)
{
    snprintf(dst, BENCH_TEXT_MAX, "%s", text);
}

/* Four figures are as many as a benchmark can mean. */
static void figure(char *dst, size_t cap, double v)
{
    double size = fabs(v);

    if (size >= 100 || v == 0)
        snprintf(dst, cap, "%.0f", v);
    else if (size >= 10)
        snprintf(dst, cap, "%.1f", v);
    else if (size >= 1)
        snprintf(dst, cap, "%.2f", v);
    else
        snprintf(dst, cap, "%.3g", v);
}

static bool has_ratio(const struct bench_row *r)
{
    return r->has_peer_value && r->peer_value != 0 && isfinite(r->value / r->peer_value);
}

static struct bench_row *add(struct bench *b, const char *bench, const char *name, double value,
                             const char *unit, enum bench_better better)
{
    struct bench_row *r;

    if (b->rows == BENCH_ROWS_MAX) {
        bench_fail(b, "%s: more than %d rows; \"%s\" is left out", bench, BENCH_ROWS_MAX, name);
        return NULL;
    }
    r = &b->row[b->rows++];
    *r = (struct bench_row){.value = value, .better = better};
    set_text(r->bench, bench);
    set_text(r->name, name);
    set_text(r->unit, unit);
    return r;
}

static void add_peer(struct bench_row *r, const char *peer)
{
    r->has_peer = true;
    set_text(r->peer, peer);
}

static void say(const struct bench_row *r)
{
    char value[32], peer[32];

    figure(value, sizeof(value), r->value);
    figure(peer, sizeof(peer), r->peer_value);
    if (r->has_peer_value)
        bench_note("%s: %s: %s %s (%s: %s)", r->bench, r->name, value, r->unit, r->peer, peer);
    else if (r->has_peer)
        bench_note("%s: %s: %s %s (%s is missing here)", r->bench, r->name, value, r->unit,
                   r->peer);
    else
        bench_note("%s: %s: %s %s", r->bench, r->name, value, r->unit);
}

void bench_add(struct bench *b, const char *bench, const char *name, double value, const char *unit,
               enum bench_better better)
{
    struct bench_row *r = add(b, bench, name, value, unit, better);

    if (r)
        say(r);
}

void bench_add_peer(struct bench *b, const char *bench, const char *name, double value,
                    const char *unit, enum bench_better better, const char *peer, double peer_value)
{
    struct bench_row *r = add(b, bench, name, value, unit, better);

    if (!r)
        return;
    add_peer(r, peer);
    r->has_peer_value = true;
    r->peer_value = peer_value;
    say(r);
}

void bench_add_missing(struct bench *b, const char *bench, const char *name, double value,
                       const char *unit, enum bench_better better, const char *peer)
{
    struct bench_row *r = add(b, bench, name, value, unit, better);

    if (!r)
        return;
    add_peer(r, peer);
    say(r);
}

const char *bench_option(const struct bench *b, const char *name)
{
    for (uint32_t i = 0; i < b->options; i++)
        if (strcmp(b->option[i].name, name) == 0)
            return b->option[i].value;
    return NULL;
}

void bench_note(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

void bench_fail(struct bench *b, const char *fmt, ...)
{
    va_list args;

    b->failures++;
    fputs("FAILED: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

/* The table. Cells are made first, so that each column is as wide as its widest cell. */
enum { COLUMNS = 8 };

static const char *const titles[COLUMNS] = {"bench", "case",       "value", "unit",
                                            "peer",  "peer value", "ratio", "better"};

static void cells_of(const struct bench_row *r, char cell[COLUMNS][BENCH_TEXT_MAX])
{
    char ratio[32] = "";

    set_text(cell[0], r->bench);
    set_text(cell[1], r->name);
    figure(cell[2], BENCH_TEXT_MAX, r->value);
    set_text(cell[3], r->unit);
    set_text(cell[4], r->has_peer ? r->peer : "-");
    if (r->has_peer_value)
        figure(cell[5], BENCH_TEXT_MAX, r->peer_value);
    else
        set_text(cell[5], r->has_peer ? "missing" : "-");
    if (has_ratio(r))
        figure(ratio, sizeof(ratio), r->value / r->peer_value);
    set_text(cell[6], has_ratio(r) ? ratio : "-");
    set_text(cell[7], r->better == BENCH_HIGHER ? "higher" : "lower");
}

/* Columns on a screen: bytes that begin a character ("µs" has three bytes and two columns). */
static int columns(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void print_cells(const char *const cell[COLUMNS], const int width[COLUMNS])
{
    for (int c = 0; c < COLUMNS; c++) {
        bool right = c == 2 || c == 5 || c == 6;
        int pad = width[c] - columns(cell[c]);

        printf("%*s%s%*s%s", right ? pad : 0, "", cell[c], right || c == COLUMNS - 1 ? 0 : pad, "",
               c == COLUMNS - 1 ? "\n" : "  ");
    }
}

void bench_print(const struct bench *b)
{
    char cell[COLUMNS][BENCH_TEXT_MAX];
    const char *view[COLUMNS];
    int width[COLUMNS];

    for (int c = 0; c < COLUMNS; c++) {
        view[c] = cell[c];
        width[c] = columns(titles[c]);
    }
    for (uint32_t i = 0; i < b->rows; i++) {
        cells_of(&b->row[i], cell);
        for (int c = 0; c < COLUMNS; c++)
            width[c] = columns(cell[c]) > width[c] ? columns(cell[c]) : width[c];
    }
    print_cells(titles, width);
    for (uint32_t i = 0; i < b->rows; i++) {
        cells_of(&b->row[i], cell);
        print_cells(view, width);
    }
    fflush(stdout);
}

static void row_to_json(struct json *j, const struct bench_row *r)
{
    json_begin_object(j, NULL);
    json_cstr(j, "bench", r->bench);
    json_cstr(j, "case", r->name);
    json_num(j, "value", r->value);
    json_cstr(j, "unit", r->unit);
    json_cstr(j, "better", r->better == BENCH_HIGHER ? "higher" : "lower");
    json_cstr(j, "peer", r->has_peer ? r->peer : NULL);
    json_num(j, "peer_value", r->has_peer_value ? r->peer_value : NAN);
    json_num(j, "ratio", has_ratio(r) ? r->value / r->peer_value : NAN);
    json_end(j);
}

bool bench_write_json(const struct bench *b, FILE *f)
{
    char text[4096];
    bool ok = fputs("[", f) >= 0;

    for (uint32_t i = 0; i < b->rows; i++) {
        struct buf out = buf_on(text, sizeof(text));
        struct json j;

        json_init(&j, &out);
        row_to_json(&j, &b->row[i]);
        ok = ok && buf_end(&out) == OK && fprintf(f, "%s\n  ", i ? "," : "") > 0 &&
             fwrite(out.p, 1, out.len, f) == out.len;
    }
    ok = ok && fputs("\n]\n", f) >= 0 && fflush(f) == 0;
    return ok;
}
