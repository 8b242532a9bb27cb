/* What is known of a lead before it is dialled, for the answer scores (campaign/pacing_score.h):
 * hour and weekday where the callee is, number of the attempt, what became of the last one, and of
 * the lead's own columns `list`, `region` and `line_type`. Without a `region` the number's first
 * digits stand for it. What became of the last attempt is kept in a table of this run
 * (SCORES_HISTORY leads, the newest); of earlier runs it is not known.
 *
 * While scores are worth anything, a few more leads than needed are held ready and the likeliest is
 * dialled first; none waits longer than CHOICE_MS for that. */
#include "dialer/internal.h"

#include "base/hash.h"
#include "campaign/fields.h"

#define CHOICE    24 /* leads to choose from */
#define CHOICE_MS 20000
#define PREFIX    5 /* of a number in E.164: "+1202" */
#define FIELD_MAX 64

/* A custom field of the lead's, or "". */
static struct slice field_of(const char *fields, const char *key, char text[FIELD_MAX])
{
    if (!fields_text(slice_cstr(fields), key, text, FIELD_MAX))
        text[0] = '\0';
    return slice_cstr(text);
}

/* 1…most, the same in every run; 0 for an empty text. */
static uint8_t class_of(struct slice text, uint32_t most)
{
    const struct hash_seed same = {1, 2};

    if (text.len == 0)
        return 0;
    return (uint8_t)(1 + hash_bytes(same, text.p, text.len) % most);
}

static uint8_t line_of(struct slice type)
{
    static const struct {
        const char *name;
        uint8_t line;
    } types[] = {{"mobile", 1}, {"cell", 1}, {"fixed", 2}, {"landline", 2}, {"voip", 3}};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (slice_eq(type, slice_cstr(types[i].name)))
            return types[i].line;
    return 0;
}

/* By the kind of the number to be dialled, else by the lead's own column. */
static uint8_t line_of_number(const struct queue_task *t)
{
    char text[FIELD_MAX];
    uint8_t line =
        t->number_at < t->number_count ? line_of(slice_cstr(t->numbers[t->number_at].kind)) : 0;

    return line ? line : line_of(field_of(t->fields, "line_type", text));
}

static enum pacing_before before_of(enum result r)
{
    switch (r) {
    case RESULT_HUMAN:
    case RESULT_HUMAN_SILENT:
        return PACING_BEFORE_LIVE;
    case RESULT_BUSY:
        return PACING_BEFORE_BUSY;
    case RESULT_NO_ANSWER:
    case RESULT_UNREACHABLE:
        return PACING_BEFORE_SILENT;
    case RESULT_MACHINE:
    case RESULT_MAILBOX_FULL:
        return PACING_BEFORE_MACHINE;
    default:
        return PACING_BEFORE_FAILED;
    }
}

static struct scores_past *past_of(struct dialer *d, const char *lead, uint32_t *tag)
{
    const struct hash_seed same = {3, 4};
    uint64_t hash = hash_bytes(same, lead, strlen(lead));

    *tag = (uint32_t)(hash >> 40);
    return &d->past[hash % SCORES_HISTORY];
}

void scores_attempt_over(struct attempt *a)
{
    uint32_t tag;
    struct scores_past *past = past_of(a->dialer, a->task.id, &tag);

    *past = (struct scores_past){tag, (uint8_t)before_of(a->record.result), true};
}

static void describe(struct attempt *a)
{
    struct dialer *d = a->dialer;
    const struct zone *z =
        a->task.zone[0] ? zone_cache_get(d->zones, slice_cstr(a->task.zone)) : NULL;
    struct zone_local local;
    uint32_t tag;
    const struct scores_past *past = past_of(d, a->task.id, &tag);
    char list_text[FIELD_MAX], region_text[FIELD_MAX];
    struct slice region = field_of(a->task.fields, "region", region_text);

    if (!region.len)
        region = slice_of(queue_task_number(&a->task),
                          (uint32_t)strnlen(queue_task_number(&a->task), PREFIX));
    zone_to_local(z ? z : d->campaign->zone, clock_wall_ms(d->loop->clock), &local);
    a->lead = (struct pacing_lead){
        .hour = (uint8_t)(local.day_ms / 3600000),
        .weekday = local.weekday,
        .attempt = (uint8_t)(a->task.tries < 200 ? a->task.tries + 1 : 200),
        .before = a->task.tries == 0                ? PACING_BEFORE_NEVER
                  : past->there && past->tag == tag ? past->before
                                                    : PACING_BEFORE_UNKNOWN,
        .list = class_of(field_of(a->task.fields, "list", list_text), 15),
        .region = class_of(region, 31),
        .line = line_of_number(&a->task),
    };
}

void scores_take_in(struct attempt *a)
{
    struct list *stock = &a->lane->stock;
    struct list_node *at = stock->head.next;

    describe(a);
    a->score = pacing_score_of(a->lane->pacing, &a->lead);
    while (at != &stock->head && container_of(at, struct attempt, node)->score >= a->score)
        at = at->next;
    list_insert_before(at, &a->node);
}

/* The first is the likeliest; one that waited too long goes before it. */
struct list_node *scores_next(struct dialer *d, struct lane *l)
{
    uint64_t now = clock_wall_ms(d->loop->clock);
    struct attempt *oldest = NULL;

    list_each(n, next, &l->stock)
    {
        struct attempt *a = container_of(n, struct attempt, node);

        if (!oldest || a->record.claimed_wall_ms < oldest->record.claimed_wall_ms)
            oldest = a;
    }
    if (oldest && now - oldest->record.claimed_wall_ms > CHOICE_MS)
        return &oldest->node;
    return list_first(&l->stock);
}

uint32_t scores_list(const struct lane *l, float *scores, uint32_t most)
{
    uint32_t n = 0;

    list_each(node, next, &l->stock)
    {
        if (n == most)
            break;
        scores[n++] = container_of(node, struct attempt, node)->score;
    }
    return n;
}

uint32_t scores_choice(const struct lane *l)
{
    return pacing_scores_on(l->pacing) ? CHOICE : 0;
}
