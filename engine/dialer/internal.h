/* What the files of this room share: the dialer, its trunks and its attempts. */
#ifndef PEAL_DIALER_INTERNAL_H
#define PEAL_DIALER_INTERNAL_H

#include "base/hist.h"
#include "base/list.h"
#include "base/pool.h"
#include "call/call.h"
#include "call/health.h"
#include "campaign/abandonment.h"
#include "campaign/dates.h"
#include "campaign/file.h"
#include "campaign/ledger.h"
#include "campaign/lists.h"
#include "campaign/pacing.h"
#include "campaign/rules.h"
#include "desk/desk.h"
#include "desk/supervise.h"
#include "dialer/dialer.h"
#include "flow/host.h"
#include "media/alarm.h"
#include "queue/control.h"
#include "queue/ledger.h"
#include "queue/note.h"
#include "queue/queue.h"
#include "queue/share.h"
#include "report/live.h"
#include "report/records.h"
#include "report/run.h"

#define DIALER_LEASE_MS       60000
#define DIALER_COUNT_EVERY_MS 250 /* one look at the queue's counts */
#define DIALER_RELOADS_MAX    64  /* of a run */
#define SCORES_HISTORY        65536

struct sound;
struct publish;
struct forward;
struct flow;
struct flow_runtime;
struct store;
struct flow_script;
struct sip_registration;

/* Where one attempt stands. The pacing policy hears of it in its own, coarser words. */
enum attempt_phase {
    ATTEMPT_CLAIMED, /* the task is ours; its attempt is being recorded in Redis */
    ATTEMPT_DIALLING,
    ATTEMPT_RINGING,
    ATTEMPT_ANALYSING, /* answered: who is it? */
    ATTEMPT_WAITING,   /* a live person, and no agent free yet */
    ATTEMPT_CONNECTED,
    ATTEMPT_MESSAGE, /* our message: waits for the beep, or plays */
    ATTEMPT_FLOW,    /* a call script has it */
    ATTEMPT_ENDING,
    ATTEMPT_SETTLING /* the call is gone; record and task are being stored */
};

/* Leads whose people go to one group of agents (lanes.c). */
struct lane {
    uint8_t group;
    const char *name; /* the group's; "": anybody */
    struct pacing *pacing;
    struct list stock; /* claimed, not launched yet: ATTEMPT_CLAIMED */
    uint32_t stock_count, offers_accepted;
    uint32_t wanted; /* leads, beyond the stock */
    uint32_t asked;  /* of them, by the claim under way */
    bool exhausted;  /* the last claim found no more */
    uint64_t ask_after_ms, probe_ms;
};

struct scores_past { /* of a lead's last attempt */
    uint32_t tag;
    uint8_t before; /* enum pacing_before */
    bool there;
};

struct attempt {
    struct list_node node;         /* in dialer->live */
    struct list_node waiting_node; /* in dialer->waiting while ATTEMPT_WAITING */
    struct dialer *dialer;
    struct queue_task task;
    enum attempt_phase phase;
    struct call *call;
    struct agent *agent;
    struct lane *lane;
    uint8_t group;                /* of agents it waits for */
    struct agent_slot *wanted_by; /* preview: the agent it was offered to, until they talk */
    struct flow *flow;
    uint32_t trunk;
    bool judged, announced, reserved;
    bool locked;             /* the number, after an abandoned call, or it need not be */
    bool passed;             /* the gate has counted it as a call of its number */
    bool entered;            /* given to the ledger */
    bool completing;         /* its completion is on the way to Redis */
    struct pacing_lead lead; /* what its score rests on */
    float score;             /* chance of a live answer when it was claimed; 0: not known */
    uint64_t record_number;  /* of records given, 1… */
    struct timer timer; /* analysis limit, answer limit, message limit, or a retry of settling */
    struct call_record record;
};

struct trunk {
    const struct campaign_trunk *config;
    struct dialer *dialer;
    struct sip_registration *registration;
    bool usable;   /* false: a registration it needs is not there */
    uint8_t ports; /* of the environment (call_dial.ports) */
    uint32_t calls, next_caller_id, failures;
    double tokens; /* of calls per second */
    uint64_t refilled_ms;
    uint64_t rest_until_ms;             /* unreachable: left alone until then */
    struct media_alarm one_way, silent; /* of its audio, hearing.c */
};

struct dialer {
    struct dialer_config config;
    const struct campaign *campaign;
    struct loop *loop;
    struct call_env *env;
    struct record_settings record; /* the campaign's, with its key */
    struct prints *prints;         /* known recordings; NULL: the campaign names none */
    struct health *health;         /* NULL: the line is modelled */
    struct desk *desk;
    struct lane lanes[CAMPAIGN_LANES_MAX];
    uint32_t lane_count, lane_turn;
    struct queue *queue;
    struct redis_server *server; /* private one; NULL: a URL was given */
    char engine[QUEUE_ENGINE_MAX + 1];
    struct records *records;
    struct publish *publish;        /* NULL: the campaign wants none */
    struct forward *forward;        /* NULL: no lead is to come sooner */
    struct abandonment abandonment; /* of this run and engine */
    struct {
        struct abandonment all, since;
        uint64_t last_wall_ms; /* of this engine's latest entry, when last told */
        int32_t cut;
        bool asking, known;
        void *replay; /* what a replay that was given up left with the queue */
    } ledger;         /* of all engines and runs; ledger.c */
    struct {
        char version[24]; /* of the lists, when last looked at */
        bool asking;
    } gate;
    struct queue_shared others; /* share.c */
    struct pacing_budget_share given;
    bool sharing;
    struct {
        struct queue_control now; /* as last heard */
        bool asking, known;
        uint64_t refused_until_ms; /* Redis refused an attempt: none before */
        uint64_t asked_ms;
        char trouble[CONTROL_TOLD_MAX + 1]; /* as last told */
    } control;                              /* control.c */
    struct {
        uint64_t seen; /* leads stopped so far, as last heard */
        uint64_t asked_ms;
        bool asking;
    } stops; /* stops.c */
    struct zone_cache *zones;
    struct dsp_amd_config amd;

    struct trunk trunks[CAMPAIGN_TRUNKS_MAX];
    struct pool attempts;
    struct list live;     /* every attempt */
    struct list waiting;  /* live callees without an agent, the longest first */
    uint32_t stock_count; /* of all lanes */
    struct list offers;   /* offered to agents, not launched yet (preview) */
    struct list settling; /* records given, not safe yet; in order */
    uint64_t records_given, settled;
    bool claiming, queue_away;
    uint32_t claimed; /* asked for by the claim under way */

    const struct sound *safe_harbour;
    const struct sound *hold_music, *ringback; /* NULL: silence */
    struct supervision supervision;
    const struct sound *messages[RESULT_COUNT];
    struct flow_runtime *flow_runtime; /* NULL: no flow in the campaign */
    struct store *flow_store;          /* what flows keep; NULL: likewise */
    struct flow_host flow_host;
    struct flow_script *flows[RESULT_COUNT];

    struct campaign_pacing policy; /* the campaign's, or what a reload made of it */
    struct agent_slot *agents;     /* by number, for pacing and run.json */
    uint32_t agent_count;

    enum { DIALER_RUNNING, DIALER_STOPPING, DIALER_LEAVING, DIALER_DONE } stage;
    struct timer tick, sample, renew;
    struct live *view;
    struct live_view look;
    struct hist answer_to_agent_ms;
    struct run *run;
    struct queue_counts counts;
    bool counting, counts_known;
    uint64_t counted_ms;
    struct {
        struct pool open;    /* attempts left open, being settled */
        struct list unsafe;  /* of them, those whose new record is not safe yet; in order */
        enum err err;        /* of the last question */
        bool answered, more; /* … and whether there may be more to ask for */
    } reconcile;             /* reconcile.c */
    _Atomic uint32_t stop_asked, reload_asked;
    struct campaign *superseded[DIALER_RELOADS_MAX]; /* kept to the end: calls may point there */
    uint32_t reloads;
    char reloaded[CONTROL_TOLD_MAX + 1]; /* what came of the last reload, for the view */
    uint64_t reloaded_ms;
    uint32_t in_air, in_air_peak;
    uint64_t started_us, leave_by_ms;
    bool lost; /* virtual time: Redis or the records */
    struct scores_past past[SCORES_HISTORY];
    uint8_t day; /* of the month, in the campaign's zone; 0: not looked at yet */
};

struct agent_slot {
    struct dialer *dialer;
    struct agent *agent;
    struct lane *lane; /* whom they count for; NULL: none's people are for them */
    enum agent_pace pace;
    uint64_t since_ms;
    struct attempt *offer; /* preview: until the agent talks, or the attempt is over */
    enum { OFFER_NONE, OFFER_LOOKED_AT, OFFER_ACCEPTED, OFFER_DIALLED } stage;
    struct timer preview;
};

/* attempt.c: from the INVITE to the end of the call */
bool attempt_reserve(struct attempt *a); /* takes a place on a trunk; false: there is none */
void attempt_unreserve(struct attempt *a);
enum err attempt_launch(struct attempt *a); /* the attempt is recorded in Redis by now */
void attempt_agent_chose(struct attempt *a, char digit); /* an outcome, by key */
void attempt_agent_left(struct attempt *a);              /* the agent hung up: so does the engine */
void attempt_hangup_all(struct dialer *d);
void attempt_take_back(struct attempt *a);        /* before its verdict: the lead is not charged */
uint32_t attempt_number(const struct attempt *a); /* 0…max_calls-1, for pacing */
void attempt_pace(struct attempt *a, enum pacing_phase phase);
struct call_record *attempt_record(struct attempt *a); /* the call's while it lives */
void attempt_mark(struct attempt *a, enum call_mark m);
void attempt_hang_up(struct attempt *a);
void attempt_call_ended(struct attempt *a);

/* treat.c: what a judged answer gets */
#define DIALER_COOKIE_MESSAGE 1
void treat(struct attempt *a);
void attempt_bridged(struct attempt *a); /* callee and agent hear each other */
/* An agent is free: serve who waits the longest for a group that they are in. */
void attempt_offer_agent(struct dialer *d);
/* The lead's group of agents, or another that is named, into the record, too. */
void attempt_wants(struct attempt *a, uint8_t group);
void treat_record(struct attempt *a); /* starts the recording */
void treat_beep_heard(struct attempt *a);
void treat_late_beep(struct attempt *a); /* one that an agent hears */
void treat_played(struct attempt *a, enum err err);

/* flows.c */
enum err flows_start(struct attempt *a); /* that of the attempt's result */
void flows_host(struct dialer *d);

/* flows_open.c */
enum err flows_open(struct dialer *d, char *error); /* nothing where no flow is named */
void flows_close(struct dialer *d);

/* stops.c: leads that an event outside has stopped */
void stops_begin(struct dialer *d);
void stops_look(struct dialer *d); /* at every tick */

/* dialer.c */
void dialer_take_stop(struct dialer *d);
/* No new calls; when those under way have ended, the engine ends. hang_up: they are ended now. */
void dialer_begin_stopping(struct dialer *d, bool hang_up);
/* On a virtual clock, whose looks may be far apart: an agent is there. */
void dialer_look_soon(struct dialer *d);

/* agents.c */
enum err agents_open(struct dialer *d);
/* Whom the lead names (its `agent` field), if they are ready and not kept for another; or NULL. */
struct agent *agents_of_lead(const struct attempt *a);
void agents_pace(struct dialer *d, uint32_t agent, enum agent_pace pace);
struct agent_slot *agents_slot(struct dialer *d, const struct agent *a); /* NULL: not ours */
void agents_count(const struct dialer *d, uint32_t by_pace[AGENT_PACE_STATES]);

/* lanes.c */
enum err lanes_open(struct dialer *d);
void lanes_close(struct dialer *d);
void lanes_begin(struct dialer *d); /* the agents are there: each counts for one lane */
struct lane *lane_of(struct dialer *d, const struct queue_task *task);
bool lane_is_dry(const struct lane *l);    /* no leads, as far as is known */
void lanes_place(struct agent_slot *slot); /* an agent is ready: for whom do they count? */
void lanes_move(struct agent_slot *slot, struct lane *to); /* not while they talk or wrap up */
/* The agent is about to get this call: counts for its lane from now on. */
void lanes_take(struct attempt *a, struct agent *agent);
void lanes_balance(struct dialer *d); /* free agents go where leads are; at every tick */
/* What to claim: sets `asked` of each lane, by `wanted`; returns their sum. */
uint32_t lanes_wanted(struct dialer *d);
void lanes_share(struct dialer *d); /* the next claim is for what is asked */
void lanes_claimed(struct dialer *d, uint32_t asked, uint32_t got, uint32_t pause_ms);
bool lanes_work(const struct dialer *d); /* there may be a lead for an agent who is free */
void lanes_look(const struct dialer *d,
                struct pacing_state *sum); /* connected, calls a second of all */

/* preview.c: leads offered to agents */
void preview_offer(struct dialer *d); /* to every agent who is ready */
void preview_dial(struct dialer *d, struct lane *l, uint32_t most);
void preview_key(struct agent_slot *slot, char digit);
void preview_agent_left(struct agent_slot *slot);
void preview_rings(struct attempt *a); /* its far side does; harmless without an agent */
void preview_over(struct attempt *a);  /* the attempt ended without reaching its agent, or did */
void preview_stop(struct dialer *d);   /* takes back what is not launched */

/* scores.c: how likely each lead is to answer */
void scores_take_in(struct attempt *a); /* into the stock, the likeliest first */
struct list_node *scores_next(struct dialer *d, struct lane *l);
uint32_t scores_list(const struct lane *l, float *scores, uint32_t most);
uint32_t scores_choice(const struct lane *l); /* leads to hold beyond those needed */
void scores_attempt_over(struct attempt *a);

/* steer.c: another policy while it runs */
void steer(struct dialer *d);

/* settle.c: the record is written, the task completed, the attempt given back */
void settle(struct attempt *a);
void settle_safe_records(struct dialer *d); /* goes on with those the journal has */
void settle_completion(struct dialer *d, const struct queue_task *task, const struct call_record *r,
                       uint32_t avoid_trunk, struct rules_decision *decision,
                       struct queue_completion *out);
enum err settle_note(struct dialer *d, const struct queue_task *task, const struct call_record *r,
                     const struct rules_decision *decision);

/* feed.c: tasks from the queue */
enum err feed_connect(struct dialer *d, char *error);
void feed_disconnect(struct dialer *d);
void feed_place(struct dialer *d, const struct queue_task *task, struct place *out);
void feed_claim(struct dialer *d); /* what the lanes want */
struct attempt *feed_next(struct dialer *d,
                          struct lane *l); /* takes the next off the stock; NULL: none */
void feed_dial(struct attempt *a);         /* records the attempt in Redis, then launches it */
void feed_release_stock(struct dialer *d); /* gives unlaunched tasks back */
/* Gives one unlaunched task back, due again then (0: at once), and forgets the attempt. */
void feed_return(struct attempt *a, uint64_t due_wall_ms);
/* Which of the task's numbers the record is of. */
void feed_describe_number(const struct queue_task *task, struct call_record *r);
void feed_renew(struct dialer *d);
void feed_count(struct dialer *d);

void feed_record(struct attempt *a);    /* the gate lets it pass: on record, then launched */
void feed_ask_again(struct attempt *a); /* the gate or the record, in a moment */

/* gate.c: may its number be called? */
void gate_ask(struct attempt *a);
void gate_take_back(struct attempt *a); /* it was not dialled after all */
/* Before its task is completed; false: too much under way, to be called again. */
bool gate_settled(struct attempt *a);
void gate_lock_again(struct dialer *d, const struct call_record *r); /* of the journal */
void gate_watch(struct dialer *d);                                   /* once a second */

/* learned.c: what the pacing learned, in DATA/pacing */
void learned_load(struct dialer *d);
void learned_save(struct dialer *d);
void learned_account(struct dialer *d); /* once a second */

/* ledger.c */
struct ledger_line {
    struct queue_ledger_entry entry; /* points into the rest */
    char call_id[128], text[LEDGER_TEXT_MAX];
};
void ledger_init(struct dialer *d);
/* False: the record is of no live answer. */
bool ledger_line(struct dialer *d, const struct call_record *r, struct ledger_line *out);
void ledger_given(struct dialer *d, const struct queue_ledger_entry *e); /* to Redis, just now */
void ledger_ask(struct dialer *d);                                       /* once a second */
/* Before the first call: brings the journal's entries and reads the account. */
enum err ledger_start(struct dialer *d, char *error);

/* share.c */
void share_tell(struct dialer *d); /* once a second */
void share_leave(struct dialer *d);

/* publish.c: records into a Redis stream */
enum err publish_open(struct dialer *d, char *error);
void publish_close(struct dialer *d);
void publish_look(struct dialer *d); /* at every tick */
bool publish_done(struct dialer *d); /* everything is there, or was waited for long enough */

/* forward.c: leads that were put off to hours that are wider now */
void forward_begin(struct dialer *d, const struct campaign *old); /* d->campaign is the new one */
void forward_look(struct dialer *d);                              /* at every tick */
void forward_end(struct dialer *d);

/* control.c: the campaign's state in Redis, which people change (queue/control.h) */
#define CONTROL_TEXT_MAX 400
/* Before the first call; refused when the campaign is stopped. */
enum err control_start(struct dialer *d, char *error);
void control_look(struct dialer *d);           /* at every tick */
bool control_at_limit(const struct dialer *d); /* Redis has just refused an attempt */
bool control_holds(const struct dialer *d);    /* no new calls now */
/* Why there are no new calls: the campaign's state, or its dates; "" when there are. */
const char *control_why(const struct dialer *d, char text[CONTROL_TEXT_MAX]);
void control_refused(struct dialer *d); /* Redis let an attempt not be made */
/* "paused since … by …: why"; "" while it runs. */
const char *control_sentence(const struct queue_control *c, char text[CONTROL_TEXT_MAX]);
void control_tell(struct dialer *d, bool followed, const char *sentence);
void control_trouble(struct dialer *d); /* once a second: tells what keeps us from dialling */

/* hearing.c: audio of the trunks that goes one way or is silent */
void hearing_take(struct attempt *a); /* it is over and judged */
/* Which trunk's audio is bad, as a sentence; "" when none's is. */
const char *hearing_trouble(const struct dialer *d, char *text, size_t cap);

/* trunk.c */
enum err trunks_open(struct dialer *d);
void trunks_leave(struct dialer *d);      /* removes what was registered, as answers come */
bool trunks_left(const struct dialer *d); /* nothing is registered any more */
uint32_t trunks_room(struct dialer *d);
/* Which trunks take no calls and why, as a sentence; "" when all do. */
void trunks_trouble(struct dialer *d, char *text, size_t cap);
/* The trunk for this attempt; avoid: one that failed it last (or UINT32_MAX). NULL: no room. */
struct trunk *trunk_choose(struct dialer *d, uint32_t avoid);
/* In turn, but not `avoid` ("": any) where there is another. */
const char *trunk_caller_id(struct trunk *t, const char *avoid);
void trunk_take(struct trunk *t);
void trunk_put(struct trunk *t);
void trunk_silent(
    struct trunk *t); /* an INVITE got no answer of any kind: leave it alone a while */
void trunk_spoke(struct trunk *t);

/* watch.c: the live view and run.json */
void watch_draw(struct dialer *d, bool force);
void watch_advice(struct dialer *d, struct lane *l, const struct pacing_advice *a);
void watch_sample(struct dialer *d);
void watch_agent(struct dialer *d, uint32_t agent, enum agent_pace pace);
enum err watch_write_run(struct dialer *d);

#endif
