/* What expat's releases call differently: Debian 12 has only what Debian 13 deprecates. */
#ifndef HAL_XML_H
#define HAL_XML_H

#include <expat.h>

/* Where the parser stands. */
static inline unsigned long xml_line(XML_Parser parser)
{
#if XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION < 9
    return (unsigned long)XML_GetCurrentLineNumber(parser);
#else
    return (unsigned long)XML_GetCurrentLineNumber64(parser);
#endif
}

#endif
