// Checks agent/api/openapi.json against the schema of OpenAPI 3.1. Prints what is wrong; exit
// status 1 if anything is.
//   npm ci --ignore-scripts && npm run check
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';

const file = fileURLToPath(new URL('../../agent/api/openapi.json', import.meta.url));
const validator = new Validator();
const { valid, errors } = await validator.validate(file);
for (const { instancePath, message } of errors ?? [])
  console.log(`openapi.json: ${instancePath}: ${message}`);
if (valid)
  console.log(`OpenAPI ${validator.version}: ${Object.keys(validator.specification.paths).length} paths`);
process.exit(valid && validator.version === '3.1' ? 0 : 1);
