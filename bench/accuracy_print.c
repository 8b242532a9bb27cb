/* The figures as tables and as JSON. Shares come with Wilson's interval of 95 %. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "bench/accuracy.h"

#define Z 1.959964 /* of a two-sided 95 % */

void acc_wilson(double hits, double n, double *low, double *high)
{
    double p = n > 0 ? hits / n : 0, z2 = Z * Z;

    if (n <= 0) {
        *low = 0;
        *high = 1;
        return;
    }
    double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
    double half = Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));

    *low = middle - half > 0 ? middle - half : 0;
    *high = middle + half < 1 ? middle + half : 1;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Of delays in ms; NAN when there are none. Sorts them. */
static double quantile(float *v, uint32_t n, double q)
{
    if (n == 0)
        return NAN;
    qsort(v, n, sizeof(*v), by_value);
    return v[(uint32_t)(q * (n - 1) + 0.5)];
}

static bool is_used(const struct acc_tally *t)
{
    return t->labels || t->wrong || t->trials || t->heard;
}

/* The moment from which a kind's delay is meant. */
static bool from_end(enum acc_kind k)
{
    return k == ACC_SIT || k == ACC_BEEP;
}

static void print_delay(const struct acc_tally *t, enum acc_kind k)
{
    float *v = from_end(k) ? t->from_end_ms : t->from_start_ms;

    if (t->delays == 0 || k == ACC_SPEECH) {
        printf("  %19s", "");
        return;
    }
    printf("  %6.0f %6.0f %s", quantile(v, t->delays, 0.5), quantile(v, t->delays, 0.95),
           from_end(k) ? "end  " : "start");
}

static void print_tally(const struct acc_condition *c, enum acc_kind k)
{
    const struct acc_tally *t = &c->tally[k];
    double low, high;

    printf("  %-12s %6u %6u %5u", acc_kind_name(k), t->labels, t->hits,
           k == ACC_MUSIC ? 0 : t->labels - t->hits);
    if (t->labels && k != ACC_MUSIC) {
        acc_wilson(t->hits, t->labels, &low, &high);
        printf("  %6.2f %% [%6.2f, %6.2f]", 100.0 * t->hits / t->labels, 100 * low, 100 * high);
    } else {
        printf("  %26s", "");
    }
    print_delay(t, k);
    printf("  %5u", t->wrong);
    if (t->trials) {
        acc_wilson(t->wrong, t->trials, &low, &high);
        printf("  of %u: %.2f %% [%.2f, %.2f]", t->trials, 100.0 * t->wrong / t->trials, 100 * low,
               100 * high);
    } else if (c->hours > 0 && k < ACC_SPEECH) {
        printf("  %.2f/h", t->wrong / c->hours);
    }
    if (t->doubled)
        printf("  (%u doubled)", t->doubled);
    if (t->detail_asked) {
        acc_wilson(t->detail_right, t->detail_asked, &low, &high);
        printf("  category %.2f %% [%.2f, %.2f]", 100.0 * t->detail_right / t->detail_asked,
               100 * low, 100 * high);
    }
    if (t->peer_asked)
        printf("  (spandsp %.2f %%", t->labels ? 100.0 * t->peer_hits / t->labels : 0);
    if (t->peer_asked && t->detail_asked)
        printf(", category of all %.2f %%", 100.0 * t->peer_detail_right / t->labels);
    puts(t->peer_asked ? ")" : "");
}

static void print_confusion(const struct acc_condition *c)
{
    for (unsigned k = ACC_HUMAN; k < ACC_KINDS; k++) {
        const struct acc_tally *t = &c->tally[k];

        if (t->labels == 0)
            continue;
        printf("    %-12s was called:", acc_kind_name((enum acc_kind)k));
        for (unsigned v = 0; v < ACC_VERDICTS; v++)
            if (c->confusion[k][v])
                printf(" %s %u", v < VERDICT_COUNT ? dsp_verdict_name((enum dsp_verdict)v) : "?",
                       c->confusion[k][v]);
        if (k == ACC_HUMAN && t->delays)
            printf("; right ones after the first words' end: median %.0f ms, 95 %% %.0f ms",
                   quantile(t->from_end_ms, t->delays, 0.5),
                   quantile(t->from_end_ms, t->delays, 0.95));
        putchar('\n');
    }
}

void acc_print(const struct acc *a)
{
    for (uint32_t i = 0; i < a->n; i++) {
        const struct acc_condition *c = &a->at[i];

        printf("%s%s: %s (%u files, %.2f h)\n", i ? "\n" : "", c->set, c->name, c->files, c->hours);
        printf("  %-12s %6s %6s %5s  %26s  %19s  %5s\n", "kind", "labels", "hits", "miss",
               "hit share [95 %]", "delay ms median 95%", "false");
        for (unsigned k = 0; k < ACC_KINDS; k++)
            if (is_used(&c->tally[k]))
                print_tally(c, (enum acc_kind)k);
        print_confusion(c);
    }
    fflush(stdout);
}

static double rounded(double v)
{
    return isnan(v) ? v : round(v * 1e5) / 1e5;
}

static void put_share(struct json *j, const char *name, double part, double n)
{
    double low, high;

    acc_wilson(part, n, &low, &high);
    json_begin_object(j, name);
    json_num(j, "share", n > 0 ? rounded(part / n) : NAN);
    json_num(j, "low", rounded(low));
    json_num(j, "high", rounded(high));
    json_end(j);
}

static void put_row(struct json *j, const struct acc_condition *c, enum acc_kind k)
{
    const struct acc_tally *t = &c->tally[k];
    char name[2 * ACC_NAME_MAX + 40];

    snprintf(name, sizeof(name), "%s: %s: %s", c->set, c->name, acc_kind_name(k));
    json_begin_object(j, NULL);
    json_cstr(j, "bench", "accuracy");
    json_cstr(j, "case", name);
    /* The frame's own columns, so that all benches can be read alike. */
    json_num(j, "value",
             t->labels ? rounded(100.0 * t->hits / t->labels)
                       : rounded(c->hours > 0 ? t->wrong / c->hours : NAN));
    json_cstr(j, "unit", t->labels ? "% hit" : "false/h");
    json_cstr(j, "better", t->labels ? "higher" : "lower");
    json_cstr(j, "peer", t->peer_asked ? "spandsp modem_connect_tones_rx" : NULL);
    json_cstr(j, "set", c->set);
    json_cstr(j, "condition", c->name);
    json_cstr(j, "kind", acc_kind_name(k));
    json_u64(j, "labels", t->labels);
    json_u64(j, "hit", t->hits);
    json_u64(j, "miss", t->labels - t->hits);
    json_u64(j, "false", t->wrong);
    json_u64(j, "doubled", t->doubled);
    put_share(j, "hit_share", t->hits, t->labels);
    if (t->trials)
        put_share(j, "false_share", t->wrong, t->trials);
    if (t->detail_asked)
        put_share(j, "category_share", t->detail_right, t->detail_asked);
    if (t->peer_asked) {
        json_u64(j, "peer_hit", t->peer_hits);
        json_u64(j, "peer_category_right", t->peer_detail_right);
    }
    json_num(j, "hours", rounded(c->hours));
    json_num(j, "false_per_hour", c->hours > 0 ? rounded(t->wrong / c->hours) : NAN);
    json_num(j, "delay_from_start_median_ms", quantile(t->from_start_ms, t->delays, 0.5));
    json_num(j, "delay_from_start_p95_ms", quantile(t->from_start_ms, t->delays, 0.95));
    json_num(j, "delay_from_end_median_ms", quantile(t->from_end_ms, t->delays, 0.5));
    json_num(j, "delay_from_end_p95_ms", quantile(t->from_end_ms, t->delays, 0.95));
    if (k >= ACC_HUMAN) {
        json_begin_object(j, "called");
        for (unsigned v = 0; v < VERDICT_COUNT; v++)
            json_u64(j, dsp_verdict_name((enum dsp_verdict)v), c->confusion[k][v]);
        json_end(j);
    }
    json_end(j);
}

bool acc_write_json(struct acc *a, FILE *f)
{
    char text[4096];
    bool ok = fputs("[", f) >= 0, first = true;

    for (uint32_t i = 0; i < a->n; i++)
        for (unsigned k = 0; k < ACC_KINDS; k++) {
            struct buf out = buf_on(text, sizeof(text));
            struct json j;

            if (!is_used(&a->at[i].tally[k]))
                continue;
            json_init(&j, &out);
            put_row(&j, &a->at[i], (enum acc_kind)k);
            ok = ok && buf_end(&out) == OK && fputs(first ? "\n  " : ",\n  ", f) >= 0 &&
                 fwrite(out.p, 1, out.len, f) == out.len;
            first = false;
        }
    return ok && fputs("\n]\n", f) >= 0 && fflush(f) == 0;
}
