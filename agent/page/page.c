#include "agent/page/page.h"
#include "agent/page/files.h"

#include <string.h>

static const struct {
    const char *ending;
    const char *content_type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".svg", "image/svg+xml"},
    {".webmanifest", "application/manifest+json"},
};

static const char *type_of(const char *name)
{
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].ending, ending) == 0)
            return types[i].content_type;
    return "application/octet-stream";
}

bool page_find(struct slice name, struct page_asset *asset)
{
    for (size_t i = 0; i < sizeof page_files / sizeof *page_files; i++) {
        const struct page_file *file = &page_files[i];
        if (!slice_is(name, file->path))
            continue;
        asset->content_type = type_of(file->path);
        asset->content = (struct slice){(const char *)file->data, file->len};
        asset->packed = (struct slice){(const char *)file->packed, file->packed_len};
        return true;
    }
    return false;
}
