/* What expat's releases call differently: Debian 12 has only what Debian 13 deprecates. */
#ifndef HAL_XML_H
#define HAL_XML_H

#include <expat.h>

/* Where the parser stands: lines from 1, columns from 0. */
#if XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION < 9
static inline unsigned long xml_line(XML_Parser parser)
{
    return (unsigned long)XML_GetCurrentLineNumber(parser);
}

static inline unsigned long xml_column(XML_Parser parser)
{
    return (unsigned long)XML_GetCurrentColumnNumber(parser);
}
#else
static inline unsigned long xml_line(XML_Parser parser)
{
    return (unsigned long)XML_GetCurrentLineNumber64(parser);
}

static inline unsigned long xml_column(XML_Parser parser)
{
    return (unsigned long)XML_GetCurrentColumnNumber64(parser);
}
#endif

#endif
