//! A caller's own, narrower choice of tools: by header or by the query of the URL. It only ever removes.

use business_tools_core::Selection;
use rmcp::model::ErrorData;
use rmcp::service::{RequestContext, RoleServer};

/// The choice made by this very request; `None` when there is none.
pub(super) fn of(context: &RequestContext<RoleServer>) -> Result<Option<Selection>, ErrorData> {
    let Some(parts) = context.extensions.get::<http::request::Parts>() else {
        return Ok(None);
    };
    from_request(&parts.headers, parts.uri.query())
        .map_err(|what| ErrorData::invalid_params(what, None))
}

/// `X-BT-Toolsets`, `X-BT-Tools`, `X-BT-Exclude`, `X-BT-Readonly`; or `toolsets`, `tools`, `exclude`, `read_only`
/// in the query.
pub(crate) fn from_request(
    headers: &http::HeaderMap,
    query: Option<&str>,
) -> Result<Option<Selection>, String> {
    let mut selection = Selection::default();
    let mut found = false;
    let mut set = |name: &str, value: &str| -> Result<bool, String> {
        let list = || {
            value
                .split(',')
                .map(str::trim)
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
        };
        match name {
            "toolsets" => selection.toolsets.extend(list()),
            "tools" => selection.tools.extend(list()),
            "exclude" => selection.exclude.extend(list()),
            "read_only" | "readonly" => {
                selection.read_only |= match value.trim().to_ascii_lowercase().as_str() {
                    "" | "1" | "true" | "yes" => true,
                    "0" | "false" | "no" => false,
                    _ => return Err("read_only must be true or false".to_owned()),
                };
            }
            _ => return Ok(false),
        }
        Ok(true)
    };
    for name in ["toolsets", "tools", "exclude", "readonly"] {
        for value in headers.get_all(format!("x-bt-{name}")) {
            let value = value
                .to_str()
                .map_err(|_| format!("the header X-BT-{name} is not plain text"))?;
            found |= set(name, value)?;
        }
    }
    for pair in query.unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.replace("%2C", ",").replace("%2c", ",");
        found |= set(name, &value)?;
    }
    Ok(found.then_some(selection))
}
