// Checks sync/contract/asyncapi.yaml with AsyncAPI's own parser; and, with Ajv, that the JSON
// Schemas compile and take the samples. Prints what is wrong; exit status 1 if anything is.
//   make contract-check
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fromFile, Parser } from '@asyncapi/parser';
import Ajv2020 from 'ajv/dist/2020.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const files = (folder) => readdirSync(here(folder)).map((name) => [name, `${folder}/${name}`]);
const json = (path) => JSON.parse(readFileSync(here(path)));
let failures = 0;

function fail(message) {
  console.log(message);
  failures++;
}

async function checkAsyncapi() {
  const parser = new Parser();
  parser.registerSchemaParser({ // the parser knows draft-07 only; 2020-12 is checked by Ajv
    getMimeTypes: () => ['application/schema+json;version=2020-12'],
    parse: ({ data }) => data,
    validate: () => [],
  });
  const file = here('../../sync/contract/asyncapi.yaml');
  const { document, diagnostics } = await fromFile(parser, file).parse();
  for (const { severity, path, message } of diagnostics)
    if (severity === 0)
      fail(`asyncapi.yaml: ${path.join('.')}: ${message}`);
  if (document)
    console.log(`AsyncAPI ${document.version()}: ${document.channels().length} channels, `
                + `${document.messages().length} messages`);
}

function checkSamples() {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const folder = '../../sync/contract/schema';
  for (const [, path] of files(folder))
    ajv.addSchema(json(path));
  const id = (name) => `https://tillback.com/schema/${name}.schema.json`;
  for (const [name] of files(folder))
    ajv.getSchema(id(name.replace('.schema.json', '')));
  const check = (schema, path) => {
    if (!ajv.validate(id(schema), json(path)))
      fail(`${path}: ${ajv.errorsText()}`);
  };
  const events = files('samples/v1/event');
  const messages = files('samples/v1/message');
  for (const [, path] of events)
    check('cloudevent', path);
  for (const [name, path] of messages)
    check(name.replace('.json', ''), path);
  console.log(`Ajv: ${files(folder).length} schemas, ${events.length + messages.length} samples`);
}

await checkAsyncapi();
checkSamples();
process.exit(failures ? 1 : 0);
