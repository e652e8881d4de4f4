// Checks the openapi.json of the appliance and of the hub against the schema of OpenAPI 3.1. Prints
// what is wrong; exit status 1 if anything is.
//   make contract-check
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';

let sound = true;
for (const name of ['agent/api', 'sync/hub/web']) {
  const file = fileURLToPath(new URL(`../../${name}/openapi.json`, import.meta.url));
  const validator = new Validator();
  const { valid, errors } = await validator.validate(file);
  for (const { instancePath, message } of errors ?? [])
    console.log(`${name}/openapi.json: ${instancePath}: ${message}`);
  if (valid)
    console.log(`${name}: OpenAPI ${validator.version}, ${Object.keys(validator.specification.paths).length} paths`);
  sound &&= valid && validator.version === '3.1';
}
process.exit(sound ? 0 : 1);
