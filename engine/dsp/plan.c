/* The plans there are: those put into the program, read when the first is asked for, and files of
 * users, read once each and kept. Finding one takes no lock, so workers may. */
#include "dsp/plan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ±1.5 % is what networks keep; the rest is our own measuring error. */
#define SINGLE_TOLERANCE_HZ 14.0f
#define PAIR_TOLERANCE_HZ   13.0f
#define DEFAULTS            "itu"

static struct dsp_plan shipped[PLAN_SHIPPED_MAX];
static char shipped_names[PLAN_SHIPPED_MAX * 18];
static pthread_once_t shipped_once = PTHREAD_ONCE_INIT;

/* The newest of a path counts: a file that was changed is read again beside the old one, which
 * legs may still use. */
struct own {
    char *path;
    struct dsp_plan plan;
};
static struct own *own[PLAN_OWN_MAX];
static atomic_uint own_count;
static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;

static void ship(unsigned i, const struct dsp_plan *defaults)
{
    const struct plan_text *t = &plan_shipped[i];
    char error[DSP_PLAN_ERROR_MAX];

    if (plan_parse(&shipped[i], t->name, t->text, (size_t)(t->end - t->text), defaults, error) !=
            OK ||
        strcmp(shipped[i].name, t->name) != 0) {
        fprintf(stderr, "peal: the tone plan %s in this program is broken: %s\n", t->name, error);
        abort();
    }
}

static void ship_all(void)
{
    const struct dsp_plan *defaults = NULL;
    size_t n = 0;

    assert(plan_shipped_count <= PLAN_SHIPPED_MAX);
    for (unsigned i = 0; i < plan_shipped_count; i++)
        if (strcmp(plan_shipped[i].name, DEFAULTS) == 0) {
            ship(i, NULL);
            defaults = &shipped[i];
        }
    assert(defaults);
    for (unsigned i = 0; i < plan_shipped_count; i++) {
        if (&shipped[i] != defaults)
            ship(i, defaults);
        n += (size_t)snprintf(shipped_names + n, sizeof(shipped_names) - n, "%s%s", i ? ", " : "",
                              shipped[i].name);
    }
}

static const struct dsp_plan *find_shipped(const char *name)
{
    pthread_once(&shipped_once, ship_all);
    for (unsigned i = 0; i < plan_shipped_count; i++)
        if (strcmp(shipped[i].name, name) == 0)
            return &shipped[i];
    return NULL;
}

static const struct dsp_plan *find_own(const char *path)
{
    for (unsigned i = atomic_load_explicit(&own_count, memory_order_acquire); i > 0; i--)
        if (strcmp(own[i - 1]->path, path) == 0)
            return &own[i - 1]->plan;
    return NULL;
}

const struct dsp_plan *dsp_plan_find(const char *name)
{
    const struct dsp_plan *plan = find_shipped(name);

    return plan ? plan : find_own(name);
}

const char *dsp_plan_names(void)
{
    pthread_once(&shipped_once, ship_all);
    return shipped_names;
}

const char *dsp_plan_title(const struct dsp_plan *plan)
{
    return plan->title;
}

bool dsp_plan_is_file(const char *name)
{
    size_t n = strlen(name);

    return strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".yaml") == 0);
}

static enum err read_file(const char *path, char **text, size_t *len, char *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *p = malloc(PLAN_FILE_MAX + 1);
    ssize_t n = 1;

    *len = 0;
    *text = p;
    if (fd >= 0 && (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode))) {
        errno = EISDIR;
        n = -1;
    }
    while (p && fd >= 0 && n > 0 && *len <= PLAN_FILE_MAX) {
        n = read(fd, p + *len, PLAN_FILE_MAX + 1 - *len);
        if (n > 0)
            *len += (size_t)n;
        else if (n < 0 && errno == EINTR)
            n = 1;
    }
    int why = errno;
    bool unread = fd < 0 || n < 0;
    if (fd >= 0)
        close(fd);
    if (!p || unread || *len > PLAN_FILE_MAX) {
        free(p);
        *text = NULL;
        snprintf(error, DSP_PLAN_ERROR_MAX, "%.200s: cannot read the tone plan: %s", path,
                 !p       ? "no memory"
                 : unread ? strerror(why)
                          : "a tone plan has 64 KiB at most");
        return !p ? ERR_NOMEM : unread ? ERR_IO : ERR_TOO_LONG;
    }
    return OK;
}

static bool same_plan(const struct dsp_plan *a, const struct dsp_plan *b)
{
    return memcmp(a, b, sizeof(*a)) == 0; /* both were zero before they were read */
}

/* Under the lock. */
static enum err keep(struct own *o, const struct dsp_plan **out, char *error)
{
    unsigned n = atomic_load(&own_count);
    const struct dsp_plan *before = find_own(o->path);

    if (before && same_plan(before, &o->plan)) {
        *out = before;
        return ERR_EXISTS;
    }
    if (n == PLAN_OWN_MAX) {
        snprintf(error, DSP_PLAN_ERROR_MAX,
                 "%.200s: one more tone plan than the %d that one run "
                 "reads; start again",
                 o->path, PLAN_OWN_MAX);
        return ERR_FULL;
    }
    own[n] = o;
    *out = &o->plan;
    atomic_store_explicit(&own_count, n + 1, memory_order_release);
    return OK;
}

static enum err load(const char *path, const struct dsp_plan **out, char *error)
{
    struct own *o = calloc(1, sizeof(*o));
    char *text = NULL;
    size_t len;
    enum err e = ERR_NOMEM;

    if (!o || !(o->path = strdup(path)))
        snprintf(error, DSP_PLAN_ERROR_MAX, "%.200s: no memory", path);
    else
        e = read_file(path, &text, &len, error);
    if (e == OK)
        e = plan_parse(&o->plan, path, text, len, find_shipped(DEFAULTS), error);
    free(text);
    if (e == OK) {
        pthread_mutex_lock(&own_lock);
        e = keep(o, out, error);
        pthread_mutex_unlock(&own_lock);
    }
    if (e == OK)
        return OK;
    if (o)
        free(o->path);
    free(o);
    return e == ERR_EXISTS ? OK : e;
}

enum err dsp_plan_open(const char *name, const struct dsp_plan **out,
                       char error[DSP_PLAN_ERROR_MAX])
{
    if (dsp_plan_is_file(name))
        return load(name, out, error);
    *out = find_shipped(name);
    if (*out)
        return OK;
    snprintf(error, DSP_PLAN_ERROR_MAX,
             "there is no tone plan '%.60s'; there are %s, or a file (own.yaml)", name,
             dsp_plan_names());
    return ERR_NOT_FOUND;
}

static bool close_to(float f_hz, uint16_t nominal_hz, float tolerance_hz)
{
    return fabsf(f_hz - (float)nominal_hz) <= tolerance_hz;
}

uint32_t plan_match(const struct dsp_plan *plan, float f1_hz, float f2_hz)
{
    uint32_t mask = 0;
    for (unsigned i = 0; plan->tone[i].kind != DSP_NONE; i++) {
        const uint16_t *f = plan->tone[i].freq_hz;
        bool single = f[1] == 0;
        if (single != (f2_hz < 1.0f))
            continue;
        if (single ? close_to(f1_hz, f[0], SINGLE_TOLERANCE_HZ)
                   : close_to(f1_hz, f[0], PAIR_TOLERANCE_HZ) &&
                         close_to(f2_hz, f[1], PAIR_TOLERANCE_HZ))
            mask |= 1u << i;
    }
    return mask;
}

uint32_t plan_loud(const struct dsp_plan *plan, uint32_t mask, int16_t level_ddb)
{
    uint32_t loud = 0;
    for (unsigned i = 0; mask >> i; i++)
        if (level_ddb >= plan->tone[i].level_min_ddb && level_ddb <= plan->tone[i].level_max_ddb)
            loud |= mask & 1u << i;
    return loud;
}
