/* The places of an environment: addresses of ours, each a home of the user agent and a range of
 * media ports. Their numbers are the homes' numbers; ranges of ports that are asked for by
 * themselves come after the places' own. */
#include "call/internal.h"

static struct call_place first_place(const struct call_env_config *c)
{
    return (struct call_place){.sip = c->sip_local,
                               .sip_advertised = c->sip_advertised,
                               .tls = c->tls_local,
                               .media = c->media_local,
                               .media_advertised = c->media_advertised,
                               .port_min = c->media_port_min,
                               .port_max = c->media_port_max};
}

static struct addr media_of(const struct call_place *p)
{
    return addr_is_set(&p->media) ? p->media : p->sip;
}

enum err places_read(struct call_places *to, const struct call_env_config *c)
{
    const struct call_place first = first_place(c);

    if (c->place_count >= CALL_PLACES_MAX || c->ports_count > CALL_PORTS_MAX)
        return ERR_INVALID;
    *to = (struct call_places){.count = 1};
    to->told[0] = first.media_advertised;
    for (uint32_t i = 0; i < c->place_count; i++) {
        const struct call_place *p = &c->places[i];

        to->homes[i] = (struct sip_home_config){p->sip, p->sip_advertised, p->tls};
        to->told[to->count++] = p->media_advertised;
        to->ranges[to->range_count++] =
            (struct media_range){media_of(p), p->port_min ? p->port_min : first.port_min,
                                 p->port_min ? p->port_max : first.port_max};
    }
    for (uint32_t i = 0; i < c->ports_count; i++) {
        const struct call_ports *r = &c->ports[i];

        if (r->place >= to->count)
            return ERR_INVALID;
        to->place_of[i] = r->place;
        to->ranges[to->range_count++] = (struct media_range){
            media_of(r->place ? &c->places[r->place - 1] : &first), r->min, r->max};
    }
    to->ports_count = c->ports_count;
    return OK;
}

enum sip_nat call_nat_policy(enum call_nat nat)
{
    switch (nat) {
    case CALL_NAT_YES:
        return SIP_NAT_YES;
    case CALL_NAT_NO:
        return SIP_NAT_NO;
    case CALL_NAT_AUTO:
        break;
    }
    return SIP_NAT_AUTO;
}

uint8_t places_range(const struct call_places *p, uint8_t place, uint8_t ports)
{
    bool fits = ports && ports <= p->ports_count && p->place_of[ports - 1] == place;

    return (uint8_t)(fits ? p->count - 1 + ports : place);
}

const struct addr *places_told(const struct call_places *p, uint8_t place)
{
    return place < p->count && addr_is_set(&p->told[place]) ? &p->told[place] : NULL;
}
