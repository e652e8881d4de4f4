#include "agent/api/internal.h"
#include "agent/capture/access_note.h"

void api_note_access(void *context, const struct access *acts, size_t count,
                     const struct access_copy *copy)
{
    const struct api *api = context;
    access_note(api->config.log, api->config.diag, acts, count, copy);
}

void api_note_act(const struct api_call *call, enum access_act act, const struct id *of)
{
    char text[ID_TEXT + 1] = "";
    const char *by = call->local ? ACCESS_BY_CLI : ACCESS_BY_TILL;
    if (of)
        id_format(of, text);
    api_note_access(call->api,
                    &(struct access){.act = act,
                                     .person = call->actor.person,
                                     .lane = call->actor.lane,
                                     .by = call->person ? call->actor.person : by,
                                     .of = text},
                    1, NULL);
}
