/* amd-fit: fits the human/machine model to rows of amd-dump and writes it as a C file.
 *
 *   amd-fit TRAIN.csv VAL.csv MODEL.c SEED
 *
 * Gradient-boosted trees of one depth for the logarithm of the odds of a machine, grown level by
 * level on histograms; how many trees is settled by the loss on VAL. Each answer weighs the same
 * however many rows it has, rows long after a decision would have been made weigh less. The score
 * is then calibrated on VAL: bins of equal weight, made monotonous (pool adjacent violators), as a
 * piecewise linear table. Prints the report. The same input and seed give the same model. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/amd_features.h"

#define F         AMD_FEATURE_COUNT
#define ROWS_MAX  3000000
#define BINS      64
#define DEPTH     5
#define INNER     ((1 << DEPTH) - 1)
#define LEAVES    (1 << DEPTH)
#define TREES_MAX 260
#define PATIENCE  40
#define RATE      0.08
#define LAMBDA    10.0
#define ANSWER    30.0 /* weight of an answer's rows together */
#define NODE_MIN  20.0 /* curvature in a leaf */
#define SCALE     1024.0
#define LATE_GAP  200 /* 10 ms: rows after so much silence, and all that follow, weigh … */
#define LATE_PART 0.05
#define KNOTS_MAX 40
#define DOUBT     0.02 /* answers */

/* clang-format off */
static const char *const names[F] = {
    "since_onset", "onset_delay", "first_burst", "gap", "first_gap", "longest_gap", "bursts",
    "longest_burst", "last_burst", "speech", "voiced_share", "syllables", "syllable_rate",
    "short_pauses", "level_spread", "level_change", "level_end", "above_floor", "pitch_spread",
    "pitch_range", "pitch_end", "pitch_change", "tilt_spread", "voiced_run", "voiced_end",
    "tone_heard", "zero_share", "last_gap", "second_burst", "last_syllables", "last_syllable",
    "last_voiced", "pitch_rise", "pitch_fall", "pitch_over_low", "pitch_onset", "tilt_end",
    "front_gap", "front_bursts", "front_first", "front_last", "front_longest",
    "front_longest_gap", "front_last_gap", "front_speech", "front_share", "front_over"};
/* clang-format on */

struct set {
    int16_t (*x)[F];
    uint8_t (*bin)[F];
    long *answer, *ms;
    uint8_t *y;
    float *w, *score;
    int n;
};

struct tree {
    uint8_t feature[INNER];
    uint8_t cut[INNER]; /* bins up to it go left */
    double leaf[LEAVES];
};

static struct tree trees[TREES_MAX];
static int16_t edges[F][BINS]; /* the largest value of each bin */
static int bins[F];
static double gain_of[F];
static uint64_t random_state;

static uint32_t random_next(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

static _Noreturn void fail(const char *what, const char *path)
{
    fprintf(stderr, "amd-fit: %s: %s\n", what, path);
    exit(1);
}

static void *room(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        fail("no memory", "");
    return p;
}

static void weigh(struct set *s)
{
    bool late = false;
    for (int from = 0, to; from < s->n; from = to) {
        double sum = 0;
        for (to = from; to < s->n && s->answer[to] == s->answer[from]; to++) {
            late = (late && to > from) || s->x[to][AMD_FRONT_GAP] > LATE_GAP;
            s->w[to] = late ? (float)LATE_PART : 1;
            sum += (double)s->w[to];
        }
        for (int i = from; i < to; i++)
            s->w[i] = (float)((double)s->w[i] * ANSWER / sum);
    }
}

static void load(const char *path, struct set *s)
{
    static char line[4096];
    FILE *f = fopen(path, "r");
    if (!f)
        fail("cannot open", path);
    s->x = room(ROWS_MAX, sizeof *s->x);
    s->bin = room(ROWS_MAX, sizeof *s->bin);
    s->answer = room(ROWS_MAX, sizeof *s->answer);
    s->ms = room(ROWS_MAX, sizeof *s->ms);
    s->y = room(ROWS_MAX, 1);
    s->w = room(ROWS_MAX, sizeof *s->w);
    s->score = room(ROWS_MAX, sizeof *s->score);
    while (s->n < ROWS_MAX && fgets(line, sizeof line, f)) {
        char *at = line;
        s->answer[s->n] = strtol(at, &at, 10);
        s->y[s->n] = (uint8_t)strtol(at + 1, &at, 10);
        s->ms[s->n] = strtol(at + 1, &at, 10);
        for (int k = 0; k < F; k++)
            s->x[s->n][k] = (int16_t)strtol(at + 1, &at, 10);
        s->n++;
    }
    fclose(f);
    if (s->n == 0)
        fail("no rows in", path);
    weigh(s);
}

static int by_value(const void *a, const void *b)
{
    return *(const int16_t *)a - *(const int16_t *)b;
}

static void cut_bins(const struct set *s)
{
    int16_t *v = room((size_t)s->n, sizeof *v);
    for (int k = 0; k < F; k++) {
        for (int i = 0; i < s->n; i++)
            v[i] = s->x[i][k];
        qsort(v, (size_t)s->n, sizeof *v, by_value);
        bins[k] = 0;
        for (int b = 0; b < BINS - 1; b++) {
            int16_t edge = v[(size_t)s->n * (size_t)(b + 1) / BINS];
            if (edge < v[s->n - 1] && (!bins[k] || edge > edges[k][bins[k] - 1]))
                edges[k][bins[k]++] = edge;
        }
        edges[k][bins[k]++] = INT16_MAX;
    }
    free(v);
}

static void put_in_bins(struct set *s)
{
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < F; k++) {
            int b = 0;
            while (s->x[i][k] > edges[k][b])
                b++;
            s->bin[i][k] = (uint8_t)b;
        }
}

struct sums {
    double g, h;
};
static struct sums histogram[LEAVES][F][BINS];

static double worth(struct sums s)
{
    return s.g * s.g / (s.h + LAMBDA);
}

static void best_cut(int node, const bool *allowed, struct tree *t, int at)
{
    struct sums all = {0, 0};
    for (int b = 0; b < bins[0]; b++) {
        all.g += histogram[node][0][b].g;
        all.h += histogram[node][0][b].h;
    }
    double best = 1e-3;
    t->feature[at] = 0;
    t->cut[at] = (uint8_t)(bins[0] - 1); /* everything goes left */
    for (int k = 0; k < F; k++) {
        struct sums left = {0, 0};
        for (int b = 0; allowed[k] && b < bins[k] - 1; b++) {
            left.g += histogram[node][k][b].g;
            left.h += histogram[node][k][b].h;
            struct sums right = {all.g - left.g, all.h - left.h};
            if (left.h < NODE_MIN || right.h < NODE_MIN)
                continue;
            double gain = worth(left) + worth(right) - worth(all);
            if (gain > best) {
                best = gain;
                t->feature[at] = (uint8_t)k;
                t->cut[at] = (uint8_t)b;
            }
        }
    }
    if (best > 1e-3)
        gain_of[t->feature[at]] += best;
}

static int leaf_of(const struct tree *t, const uint8_t *bin)
{
    int at = 0;
    for (int d = 0; d < DEPTH; d++)
        at = 2 * at + 1 + (bin[t->feature[at]] > t->cut[at]);
    return at - INNER;
}

static void grow(const struct set *s, struct tree *t)
{
    static float g[ROWS_MAX], h[ROWS_MAX];
    static uint8_t node[ROWS_MAX];
    static bool in[ROWS_MAX];
    bool allowed[F];
    for (int k = 0; k < F; k++)
        allowed[k] = random_next() % 10 < 5;
    allowed[0] = true;
    bool chosen = true;
    for (int i = 0; i < s->n; i++) {
        if (i == 0 || s->answer[i] != s->answer[i - 1])
            chosen = random_next() % 10 < 5;
        in[i] = chosen;
        double p = 1 / (1 + exp(-(double)s->score[i]));
        g[i] = (float)((double)s->w[i] * (s->y[i] - p));
        h[i] = (float)((double)s->w[i] * p * (1 - p));
        node[i] = 0;
    }
    for (int d = 0; d < DEPTH; d++) {
        memset(histogram, 0, sizeof histogram);
        for (int i = 0; i < s->n; i++)
            for (int k = 0; in[i] && k < F; k++) {
                if (!allowed[k])
                    continue;
                struct sums *to = &histogram[node[i]][k][s->bin[i][k]];
                to->g += (double)g[i];
                to->h += (double)h[i];
            }
        int first = (1 << d) - 1;
        for (int m = 0; m < 1 << d; m++)
            best_cut(m, allowed, t, first + m);
        for (int i = 0; i < s->n; i++) {
            int at = first + node[i];
            node[i] = (uint8_t)(2 * node[i] + (s->bin[i][t->feature[at]] > t->cut[at]));
        }
    }
    struct sums leaf[LEAVES] = {{0, 0}};
    for (int i = 0; i < s->n; i++)
        if (in[i]) {
            leaf[node[i]].g += (double)g[i];
            leaf[node[i]].h += (double)h[i];
        }
    for (int m = 0; m < LEAVES; m++) {
        double v = RATE * leaf[m].g / (leaf[m].h + LAMBDA);
        t->leaf[m] = round(v * SCALE) / SCALE;
    }
}

static double add_tree(struct set *s, const struct tree *t)
{
    double loss = 0, weight = 0;
    for (int i = 0; i < s->n; i++) {
        s->score[i] += (float)t->leaf[leaf_of(t, s->bin[i])];
        double margin = (s->y[i] ? 1 : -1) * (double)s->score[i];
        loss += (double)s->w[i] * log1p(exp(-margin));
        weight += (double)s->w[i];
    }
    return loss / weight;
}

static int boost(struct set *train, struct set *val)
{
    double best = 1e9;
    int count = 0;
    for (int t = 0; t < TREES_MAX && t < count + PATIENCE; t++) {
        grow(train, &trees[t]);
        double on_train = add_tree(train, &trees[t]);
        double on_val = add_tree(val, &trees[t]);
        if (on_val < best) {
            best = on_val;
            count = t + 1;
        }
        if (t % 20 == 19)
            printf("- %d trees: loss %.4f in training, %.4f in validation\n", t + 1, on_train,
                   on_val);
    }
    count -= count % 4;
    printf("- kept %d trees of depth %d, loss in validation %.4f\n", count, DEPTH, best);
    memset(val->score, 0, (size_t)val->n * sizeof *val->score);
    for (int t = 0; t < count; t++)
        add_tree(val, &trees[t]);
    return count;
}

struct knot {
    double score, weight, machines;
};

static const struct set *sorting;
static int by_score(const void *a, const void *b)
{
    float x = sorting->score[*(const int *)a], y = sorting->score[*(const int *)b];
    return x < y ? -1 : x > y ? 1 : *(const int *)a - *(const int *)b;
}

static int pool_violators(struct knot *k, int n)
{
    int m = 0;
    for (int i = 0; i < n; i++) {
        k[m++] = k[i];
        while (m > 1 &&
               k[m - 1].machines * k[m - 2].weight <= k[m - 2].machines * k[m - 1].weight) {
            struct knot *a = &k[m - 2], *b = &k[m - 1];
            a->score = (a->score * a->weight + b->score * b->weight) / (a->weight + b->weight);
            a->weight += b->weight;
            a->machines += b->machines;
            m--;
        }
    }
    return m;
}

static int calibrate(const struct set *val, struct knot *knots)
{
    int *order = room((size_t)val->n, sizeof *order);
    double all = 0;
    for (int i = 0; i < val->n; i++) {
        order[i] = i;
        all += (double)val->w[i];
    }
    sorting = val;
    qsort(order, (size_t)val->n, sizeof *order, by_score);
    int n = 0;
    double seen = 0;
    struct knot now = {0, 0, 0};
    for (int i = 0; i < val->n; i++) {
        double w = (double)val->w[order[i]];
        now.score += w * (double)val->score[order[i]];
        now.weight += w;
        now.machines += w * val->y[order[i]];
        seen += w;
        /* Narrow bins at both ends, where decisions are made. */
        double part = 0.5 - 0.5 * cos(3.14159265358979 * (n + 1) / KNOTS_MAX);
        if (seen >= all * part || i == val->n - 1) {
            now.score /= now.weight;
            knots[n++] = now;
            now = (struct knot){0, 0, 0};
            if (n == KNOTS_MAX)
                break;
        }
    }
    free(order);
    n = pool_violators(knots, n);
    puts("\n| score | answers' weight in validation | machines |\n|---|---|---|");
    for (int i = 0; i < n; i++)
        printf("| %.2f | %.1f | %.4f |\n", knots[i].score, knots[i].weight / ANSWER,
               knots[i].machines / knots[i].weight);
    return n;
}

static void write_numbers(FILE *f, const char *head, int n, int (*value)(int))
{
    fprintf(f, "%s", head);
    for (int i = 0; i < n; i++)
        fprintf(f, "%s%d", i == 0 ? "\n    " : i % 16 == 0 ? ",\n    " : ", ", value(i));
    fputs("};\n", f);
}

static int feature_at(int i)
{
    return trees[i / INNER].feature[i % INNER];
}

static int threshold_at(int i)
{
    const struct tree *t = &trees[i / INNER];
    return edges[t->feature[i % INNER]][t->cut[i % INNER]];
}

static int leaf_at(int i)
{
    return (int)lround(trees[i / LEAVES].leaf[i % LEAVES] * SCALE);
}

static const struct knot *writing;
static int score_at(int i)
{
    return (int)lround(writing[i].score * SCALE);
}

static int probability_at(int i)
{
    /* A part of an answer of doubt on each side keeps a bin without errors from certainty. */
    return (int)lround(10000 * (writing[i].machines + DOUBT * ANSWER) /
                       (writing[i].weight + 2 * DOUBT * ANSWER));
}

static const char *const body =
    "\nint32_t amd_model_score(const int16_t features[AMD_FEATURE_COUNT])\n{\n"
    "    static const struct amd_trees trees = {TREES, feature, threshold, leaf};\n"
    "    return amd_trees_score(&trees, features);\n}\n\n"
    "uint32_t amd_model_probability(int32_t score)\n{\n"
    "    if (score <= knot[0])\n        return probability[0];\n"
    "    for (unsigned i = 1; i < KNOTS; i++)\n"
    "        if (score <= knot[i]) {\n"
    "            int32_t rise = (int32_t)probability[i] - probability[i - 1];\n"
    "            int32_t part = score - knot[i - 1];\n"
    "            return (uint32_t)(probability[i - 1] + rise * part / (knot[i] - knot[i - 1]));\n"
    "        }\n"
    "    return probability[KNOTS - 1];\n}\n";

static void write_model(const char *path, int count, const struct knot *knots, int n)
{
    FILE *f = fopen(path, "w");
    if (!f)
        fail("cannot write", path);
    fprintf(
        f,
        "/* Written by tools/train-amd; see amd_model.md. Not to be edited. */\n"
        "#include \"dsp/amd_model.h\"\n#include \"dsp/amd_trees.h\"\n\n#define TREES %d\n#define "
        "DEPTH %d\n"
        "#define INNER ((1u << DEPTH) - 1)\n#define LEAVES (1u << DEPTH)\n#define KNOTS %d\n\n"
        "_Static_assert(AMD_FEATURE_COUNT >= %d, \"the model was trained on other features\");\n"
        "_Static_assert(DEPTH == AMD_TREES_DEPTH && TREES %% 4 == 0 && TREES <= AMD_TREES_MAX, "
        "\"as they are walked\");\n"
        "/* clang-format off */\n",
        count, DEPTH, n, F);
    write_numbers(f, "static const uint8_t feature[TREES * INNER] = {", count * INNER, feature_at);
    write_numbers(f, "static const int16_t threshold[TREES * INNER] = {", count * INNER,
                  threshold_at);
    write_numbers(f, "static const int16_t leaf[TREES * LEAVES] = {", count * LEAVES, leaf_at);
    writing = knots;
    write_numbers(f, "static const int32_t knot[KNOTS] = {", n, score_at);
    write_numbers(f, "static const uint16_t probability[KNOTS] = {", n, probability_at);
    fputs("/* clang-format on */\n", f);
    fputs(body, f);
    fclose(f);
    printf("\n- model: %d bytes of tables\n", count * (INNER * 3 + LEAVES * 2) + n * 6);
}

/* For settling the costs: answer, machine, ms, gaps, log odds after calibration's input. */
static void write_scores(const char *path, const struct set *s)
{
    FILE *f = fopen(path, "w");
    if (!f)
        fail("cannot write", path);
    for (int i = 0; i < s->n; i++)
        fprintf(f, "%ld,%d,%ld,%d,%d,%.4f\n", s->answer[i], s->y[i], s->ms[i],
                s->x[i][AMD_FRONT_GAP], s->x[i][AMD_GAP], (double)s->score[i]);
    fclose(f);
}

static void report_gains(void)
{
    double all = 0;
    for (int k = 0; k < F; k++)
        all += gain_of[k];
    puts("\n| feature | share of the gain |\n|---|---|");
    for (int shown = 0; shown < F; shown++) {
        int best = 0;
        for (int k = 1; k < F; k++)
            best = gain_of[k] > gain_of[best] ? k : best;
        printf("| %s | %.1f %% |\n", names[best], 100 * gain_of[best] / all);
        gain_of[best] = -1;
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) {
        fputs("usage: amd-fit TRAIN.csv VAL.csv MODEL.c SEED [SCORES.csv]\n", stderr);
        return 2;
    }
    static struct set train, val;
    random_state = strtoull(argv[4], NULL, 10) * 7919 + 12345;
    load(argv[1], &train);
    load(argv[2], &val);
    printf("- %d rows in training, %d in validation, one each 100 ms\n", train.n, val.n);
    cut_bins(&train);
    put_in_bins(&train);
    put_in_bins(&val);
    int count = boost(&train, &val);
    struct knot knots[KNOTS_MAX];
    int n = calibrate(&val, knots);
    write_model(argv[3], count, knots, n);
    if (argc == 6)
        write_scores(argv[5], &val);
    report_gains();
    return 0;
}
