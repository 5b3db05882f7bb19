//! What a node that delivers has done for it when a task that it armed has ended: webhooks are told of the assets.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Map, Value, json};

use crate::DbError;
use crate::channels::Said;
use crate::column::Col;
use crate::entity::{media_asset, workflow_run};
use crate::tx::Tx;
use crate::webhooks::publish::{Published, addressees};
use packshot_domain::channel::{ActivityType, Message, Severity};
use packshot_domain::id::{AssetId, DeliveryId, OrderLineId, WebhookId};
use packshot_domain::webhook::WebhookEvent;

/// What has become of it.
pub(super) enum HandedOver {
    /// It is on its way, by these deliveries: there are none where nobody has subscribed.
    Queued(Vec<DeliveryId>),
    /// The webhook that is named is not there, or gets nothing.
    Skipped,
}

/// Tells the webhook that a node names, or all that have subscribed, of the assets of a task.
pub(super) async fn hand_over(
    tx: &Tx<'_>,
    run: &workflow_run::Model,
    (node, webhook): (&str, Option<&str>),
    assets: &[AssetId],
) -> Result<HandedOver, DbError> {
    let Some(line) = run.order_line_id.map(Col::value) else { return Ok(HandedOver::Queued(Vec::new())) };
    let tenant = run.tenant_id.0;
    let named = webhook.map(|text| text.parse::<WebhookId>());
    let to = match named {
        // The graph was stored before ids were checked: nothing has this one.
        Some(Err(_)) => None,
        Some(Ok(named)) => addressees(tx, tenant, WebhookEvent::AssetDelivered, Some(named)).await?,
        None => addressees(tx, tenant, WebhookEvent::AssetDelivered, None).await?,
    };
    let Some(to) = to else {
        skipped(tx, run, line, (node, webhook.unwrap_or_default()));
        return Ok(HandedOver::Skipped);
    };
    let to: Vec<(WebhookId, DeliveryId)> = to.into_iter().map(|webhook| (webhook, DeliveryId::new())).collect();
    let ids = to.iter().map(|(_, delivery)| *delivery).collect();
    let data = delivered(tx, run, (line, node), assets).await?;
    let event = Published { to: Some(to), ..Published::new(WebhookEvent::AssetDelivered, data) };
    tx.told(|told| told.publish(tenant, event));
    Ok(HandedOver::Queued(ids))
}

/// What is said of the assets.
async fn delivered(
    tx: &Tx<'_>,
    run: &workflow_run::Model,
    (line, node): (OrderLineId, &str),
    assets: &[AssetId],
) -> Result<Map<String, Value>, DbError> {
    let rows = media_asset::Entity::find()
        .filter(media_asset::Column::TenantId.eq(run.tenant_id))
        .filter(media_asset::Column::Id.is_in(assets.iter().copied().map(Col)))
        .order_by_asc(media_asset::Column::Position)
        .all(tx.on())
        .await?;
    let order = rows.first().and_then(|row| row.order_id).map(|order| order.0.uuid());
    let product = rows.first().and_then(|row| row.product_id).map(|product| product.0.uuid());
    let shown = |row: &media_asset::Model| {
        let id = row.id.0.uuid();
        json!({
            "asset_id": id,
            "asset_type": row.asset_type.0.as_str(),
            "media_type": row.media_type,
            "file_name": row.file_name,
            "size_bytes": row.size_bytes,
            "content_address": row.address.0.to_string(),
            "url": format!("/api/media/assets/{id}/content"),
        })
    };
    let data = json!({
        "order_id": order,
        "order_line_id": line.uuid(),
        "product_id": product,
        "workflow_run_id": run.id.0.uuid(),
        "node_id": node,
        "assets": rows.iter().map(shown).collect::<Vec<_>>(),
    });
    Ok(data.as_object().cloned().unwrap_or_default())
}

/// Adds to the activity that nothing was delivered.
fn skipped(tx: &Tx<'_>, run: &workflow_run::Model, line: OrderLineId, (node, webhook): (&str, &str)) {
    let text = format!(
        "the workflow step '{node}' delivered nothing: there is no webhook {webhook}, or nothing is delivered to it"
    );
    let said = Said {
        severity: Severity::Warning,
        data: json!({"workflow_run_id": run.id.0.to_string(), "node_id": node, "webhook_id": webhook}),
        line: Some(line),
        ..Said::about(Message::new(&text), line)
    };
    tx.told(|told| told.note(run.tenant_id.0, ActivityType::DeliverSkipped, said));
}
