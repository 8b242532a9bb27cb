/* Conversations as the control thread sees them: who is in which, on which worker, and who has
 * arrived there. A member that is on another worker, or on its way, joins when it has come. */
#include "media/mix.h"

#include "media/control.h"

static struct mix_place *place_of(const struct media_leg *l)
{
    struct conversation *t = l->talk;

    for (uint32_t i = 0; t && i < t->count; i++)
        if (t->place[i].leg == l)
            return &t->place[i];
    return NULL;
}

unsigned media_mix_members(const struct media_leg *l)
{
    return l->talk ? l->talk->count : l->peer ? 2 : 0;
}

static void take_place(struct conversation *t, struct media_leg *l, enum mix_role role,
                       struct media_leg *coached, bool joined)
{
    t->place[t->count++] =
        (struct mix_place){.leg = l, .role = role, .coached = coached, .joined = joined};
    l->talk = t;
    l->peer = NULL;
    l->meeting = false;
}

/* The conversation of a leg that is in none yet, with the peer it is bridged with. */
static struct conversation *begin(struct media_leg *l)
{
    struct conversation *t = pool_get(&l->media->talks);
    struct media_leg *peer = l->peer;
    bool joined = peer && !l->meeting;

    if (!t)
        return NULL;
    t->worker = l->moving ? l->target : l->worker;
    take_place(t, l, MIX_TALKS, NULL, joined);
    if (peer)
        take_place(t, peer, MIX_TALKS, NULL, joined);
    return t;
}

static bool present(const struct conversation *t, const struct media_leg *l)
{
    return !l->moving && l->worker == t->worker;
}

/* Who a member that is there can be joined with: one who is in already, else one who is there. */
static struct mix_place *partner(struct conversation *t, const struct mix_place *of)
{
    struct mix_place *best = NULL;

    for (uint32_t i = 0; i < t->count; i++) {
        struct mix_place *p = &t->place[i];

        if (p != of && present(t, p->leg) && (!best || (p->joined && !best->joined)))
            best = p;
    }
    return best;
}

static enum err tell_role(struct mix_place *p)
{
    struct command c = {.kind = COMMAND_ROLE};

    c.part.role = p->role;
    c.part.other = p->coached ? p->coached->stream : NULL;
    return media_post(p->leg, &c);
}

static enum err join(struct conversation *t, struct mix_place *p)
{
    struct mix_place *with = partner(t, p);
    struct command c = {.kind = COMMAND_JOIN};

    if (!with)
        return OK; /* nobody has come yet */
    c.part.role = p->role == MIX_TALKS ? MIX_TALKS : MIX_LISTENS;
    c.part.other = with->leg->stream;
    enum err err = media_post(p->leg, &c);

    if (err)
        return err;
    if (!with->joined && with->role != MIX_TALKS)
        tell_role(with);
    p->joined = with->joined = true;
    return OK;
}

/* Coaches are told whom, once both are there. */
static void tell_coaches(struct conversation *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        struct mix_place *p = &t->place[i];

        if (p->role == MIX_COACHES && p->joined && place_of(p->coached)->joined)
            tell_role(p);
    }
}

/* A leg that records cannot move: the others come to it, when none of them records. */
static enum err come_to(struct conversation *t, const struct media_leg *l)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (t->place[i].leg != l && t->place[i].leg->recording)
            return ERR_STATE;
    for (uint32_t i = 0; i < t->count; i++) {
        struct mix_place *p = &t->place[i];

        if (p->joined)
            media_post(p->leg, &(struct command){.kind = COMMAND_UNBRIDGE});
        p->joined = false;
    }
    t->worker = l->worker;
    return OK;
}

static enum err gather(struct conversation *t)
{
    enum err err = OK;

    for (uint32_t i = 0; i < t->count; i++) {
        struct media_leg *l = t->place[i].leg;

        if (!t->place[i].joined && !l->moving && l->recording && l->worker != t->worker)
            err = come_to(t, l);
        if (err)
            return err;
    }

    for (uint32_t i = 0; i < t->count; i++) {
        struct mix_place *p = &t->place[i];
        enum err e = OK;

        if (p->joined || p->leg->moving)
            continue;
        if (present(t, p->leg))
            e = join(t, p);
        else
            e = media_leg_move(p->leg, t->worker);
        if (e)
            err = e;
    }
    tell_coaches(t);
    return err;
}

static enum err set_role(struct media_leg *l, struct media_leg *with, enum mix_role role)
{
    struct mix_place *p = place_of(l);

    p->role = role;
    p->coached = role == MIX_COACHES ? with : NULL;
    return p->joined && (!p->coached || place_of(p->coached)->joined) ? tell_role(p) : OK;
}

enum err media_mix_join(struct media_leg *l, struct media_leg *with, enum mix_role role)
{
    struct conversation *t = with->talk;

    if (l == with || l->closing || with->closing)
        return ERR_STATE;
    if (!t && l->peer == with)
        t = begin(with);
    if (t && l->talk == t)
        return set_role(l, with, role);
    if (l->peer || l->talk)
        return ERR_STATE;
    if (!t)
        t = begin(with);
    if (!t || t->count == MIX_MEMBERS_MAX)
        return ERR_FULL;
    take_place(t, l, role, role == MIX_COACHES ? with : NULL, false);
    enum err err = gather(t);

    if (err)
        media_mix_leave(l);
    return err;
}

void media_mix_arrived(struct media_leg *l)
{
    if (l->talk)
        gather(l->talk);
}

static void give_place(struct media_leg *l)
{
    struct conversation *t = l->talk;

    for (uint32_t i = 0; i < t->count; i++)
        if (t->place[i].coached == l) {
            t->place[i].coached = NULL;
            t->place[i].role = MIX_LISTENS;
        }
    *place_of(l) = t->place[t->count - 1];
    t->count--;
    l->talk = NULL;
}

void media_mix_leave(struct media_leg *l)
{
    struct conversation *t = l->talk;

    if (!t)
        return;
    if (place_of(l)->joined)
        media_post(l, &(struct command){.kind = COMMAND_UNBRIDGE});
    give_place(l);
    if (t->count == 1)
        give_place(t->place[0].leg);
    if (t->count == 0)
        pool_put(&l->media->talks, t);
}

enum err media_leg_keys_across(struct media_leg *l, enum media_keys keys)
{
    struct command c = {.kind = COMMAND_KEYS_ACROSS, .keys_across = keys};

    return l->closing ? ERR_STATE : media_post(l, &c);
}

enum err media_leg_gain(struct media_leg *l, int gain_db, bool agc)
{
    struct command c = {.kind = COMMAND_GAIN};

    if (gain_db < -LEVEL_GAIN_MAX_DB || gain_db > LEVEL_GAIN_MAX_DB)
        return ERR_INVALID;
    if (l->closing)
        return ERR_STATE;
    c.gain.db = (int8_t)gain_db;
    c.gain.agc = agc;
    return media_post(l, &c);
}
