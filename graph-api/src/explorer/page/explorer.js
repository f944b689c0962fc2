/* global React, ReactDOM, GraphiQL, document, localStorage, sessionStorage, location, fetch, URL */
// Runs in the browser: puts GraphiQL on the page, with the token field's value in each request.

const TOKEN_KEY = 'exact-ratings:token';
const TABS_KEY = 'graphiql:tabState';
const NO_PRODUCT = '00000000-0000-0000-0000-000000000000';

const settings = JSON.parse(document.getElementById('settings').textContent);
const endpoint = new URL(settings.endpoint, location.href).href;
const tokenField = document.getElementById('token');
const tokenStore = settings.keepToken ? localStorage : sessionStorage;

tokenField.value = tokenStore.getItem(TOKEN_KEY) ?? '';
tokenField.addEventListener('input', () => tokenStore.setItem(TOKEN_KEY, tokenField.value.trim()));

document.getElementById('restore').addEventListener('click', () => {
  localStorage.removeItem(TABS_KEY);
  location.reload();
});

const sandbox = new URL(settings.sandbox);
sandbox.searchParams.set('endpoint', endpoint);
document.getElementById('sandbox').href = sandbox.href;

/** Sends an operation; a header of the editor goes before the token field. */
async function send({ query, variables, operationName }, { headers = {} } = {}) {
  // Right after a change of tabs GraphiQL still names the other tab's operation.
  const isInQuery = new RegExp(`\\b(query|mutation|subscription)\\s+${operationName}\\b`).test(query);
  const operation = isInQuery ? { query, variables, operationName } : { query, variables };
  const token = tokenField.value.trim().replace(/^Bearer\s+/i, '');
  const own = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token === '' || own ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify(operation),
  });
  return response.json();
}

/** The id of a product that exists, so that the examples run as they are. */
async function findProductId() {
  try {
    const { data } = await send({ query: '{ products(first: 1) { nodes { id } } }' });
    return data.products.nodes[0]?.id ?? NO_PRODUCT;
  } catch {
    return NO_PRODUCT;
  }
}

function tabOf({ query, variables }, productId) {
  const text = variables === undefined ? '' : JSON.stringify(variables, null, 2);
  return { query, variables: text.replaceAll(settings.productIdPlaceholder, productId), headers: '' };
}

void findProductId().then((id) => {
  ReactDOM.createRoot(document.getElementById('explorer')).render(
    React.createElement(GraphiQL, {
      fetcher: send,
      defaultTabs: settings.examples.map((example) => tabOf(example, id)),
      defaultEditorToolsVisibility: 'variables',
      shouldPersistHeaders: settings.keepToken,
    }),
  );
});
