"""The official Python SDK against the simulator: what a user of HubSpot would write.

    python3 -P hubspot.py http://127.0.0.1:4010/hubspot

The address is that of the simulator; everything else is as in production. (`-P` keeps Python from taking this file
for the package of the same name.)
"""

import sys
import uuid

from hubspot import HubSpot
from hubspot.crm import companies, contacts, deals, properties, tickets
from hubspot.crm.associations import v4
from hubspot.crm.objects import notes

BASE = sys.argv[1]


def client(token=f"pat-na1-{uuid.uuid4()}"):
    return HubSpot(access_token=token, host=BASE)


def refused(status, act, says=""):
    try:
        act()
    except Exception as error:  # each API of the SDK has an exception class of its own
        assert getattr(error, "status", None) == status, (status, error)
        assert says in error.body, (says, error.body)
        assert "correlationId" in error.body
        return error
    raise AssertionError(f"not refused with {status}")


crm = client().crm

# contacts: create, read, change, list
ada = crm.contacts.basic_api.create(
    contacts.SimplePublicObjectInputForCreate(
        properties={"email": "Ada@Example.com", "firstname": "Ada", "lastname": "Lovelace"}, associations=[]
    )
)
assert ada.id.isdigit() and ada.archived is False and ada.created_at is not None
assert ada.properties["email"] == "ada@example.com" and ada.properties["hs_object_id"] == ada.id
read = crm.contacts.basic_api.get_by_id(ada.id, properties=["firstname", "phone"])
assert read.properties["firstname"] == "Ada" and read.properties["phone"] is None
assert crm.contacts.basic_api.get_by_id("ada@example.com", id_property="email").id == ada.id
changed = crm.contacts.basic_api.update(
    ada.id, contacts.SimplePublicObjectInput(properties={"phone": "+14155550100", "lifecyclestage": "customer"})
)
assert changed.properties["phone"] == "+14155550100" and changed.updated_at >= ada.updated_at
history = crm.contacts.basic_api.get_by_id(ada.id, properties_with_history=["lifecyclestage"])
assert [past.value for past in history.properties_with_history["lifecyclestage"]] == ["customer", "lead"]
for n in range(12):
    crm.contacts.basic_api.create(
        contacts.SimplePublicObjectInputForCreate(properties={"email": f"person{n}@example.com"}, associations=[])
    )
page = crm.contacts.basic_api.get_page(limit=5)
assert len(page.results) == 5 and page.paging.next.after
assert len(crm.contacts.get_all()) == 13

# refusals
refused(409, lambda: crm.contacts.basic_api.create(
    contacts.SimplePublicObjectInputForCreate(properties={"email": "ada@example.com"}, associations=[])
), f"Existing ID: {ada.id}")
refused(400, lambda: crm.contacts.basic_api.create(
    contacts.SimplePublicObjectInputForCreate(properties={"emial": "x"}, associations=[])
), "PROPERTY_DOESNT_EXIST")
refused(400, lambda: crm.companies.basic_api.create(
    companies.SimplePublicObjectInputForCreate(properties={}, associations=[])
), "required properties")
refused(404, lambda: crm.deals.basic_api.get_by_id("99"), "OBJECT_NOT_FOUND")
refused(401, lambda: client("pat-na1-wrong").crm.contacts.basic_api.get_page(), "INVALID_AUTHENTICATION")

# companies, deals, tickets, notes
company = crm.companies.basic_api.create(
    companies.SimplePublicObjectInputForCreate(properties={"name": "Northwind", "domain": "northwind.example"}, associations=[])
)
spec = lambda number: {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
deal = crm.deals.basic_api.create(
    deals.SimplePublicObjectInputForCreate(
        properties={"dealname": "Lanterns", "dealstage": "contractsent", "amount": "1500.00", "pipeline": "default"},
        associations=[{"to": {"id": ada.id}, "types": [spec(3)]}],
    )
)
ticket = crm.tickets.basic_api.create(
    tickets.SimplePublicObjectInputForCreate(
        properties={"subject": "Broken glass", "hs_pipeline_stage": "1", "hs_ticket_priority": "HIGH"}, associations=[]
    )
)
assert ticket.properties["hs_pipeline"] == "0"
note = crm.objects.notes.basic_api.create(
    notes.SimplePublicObjectInputForCreate(
        properties={"hs_timestamp": "2026-11-01T10:00:00Z", "hs_note_body": "Called"},
        associations=[{"to": {"id": ada.id}, "types": [spec(202)]}, {"to": {"id": deal.id}, "types": [spec(214)]}],
    )
)
generic = crm.objects.basic_api.get_by_id("notes", note.id, properties=["hs_note_body"], associations=["contacts"])
assert generic.properties["hs_note_body"] == "Called"
assert [link.id for link in generic.associations["contacts"].results] == [ada.id]

# search
found = crm.contacts.search_api.do_search(
    contacts.PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "email", "operator": "CONTAINS_TOKEN", "value": "person*"}]}],
        sorts=["-email"], properties=["email"], limit=5, after="0",
    )
)
assert found.total == 12 and len(found.results) == 5 and found.paging.next.after == "5"
assert found.results[0].properties["email"] == "person9@example.com"
words = crm.deals.search_api.do_search(deals.PublicObjectSearchRequest(query="lantern"))
assert [result.id for result in words.results] == [deal.id]
refused(400, lambda: crm.deals.search_api.do_search(deals.PublicObjectSearchRequest(limit=201)))
refused(400, lambda: crm.deals.search_api.do_search(deals.PublicObjectSearchRequest(limit=200, after="9900")), "10000")

# batches
batch = crm.contacts.batch_api.read(
    contacts.BatchReadInputSimplePublicObjectId(
        inputs=[{"id": ada.id}, {"id": "99"}], properties=["email"], properties_with_history=[]
    )
)
assert batch.status == "COMPLETE" and [one.id for one in batch.results] == [ada.id]
assert batch.num_errors == 1 and batch.errors[0].category == "OBJECT_NOT_FOUND"
upserted = crm.contacts.batch_api.upsert(
    contacts.BatchInputSimplePublicObjectBatchInputUpsert(
        inputs=[
            {"id": "ada@example.com", "idProperty": "email", "properties": {"jobtitle": "Analyst"}},
            {"id": "new@example.com", "idProperty": "email", "properties": {"firstname": "New"}},
        ]
    )
)
assert sorted((one.new, one.properties["email"]) for one in upserted.results) == [
    (False, "ada@example.com"), (True, "new@example.com"),
]
made = crm.companies.batch_api.create(
    companies.BatchInputSimplePublicObjectBatchInputForCreate(
        inputs=[{"properties": {"name": f"Company {n}"}, "associations": []} for n in range(3)]
    )
)
assert len(made.results) == 3
crm.companies.batch_api.update(
    companies.BatchInputSimplePublicObjectBatchInput(
        inputs=[{"id": one.id, "properties": {"city": "Bergen"}} for one in made.results]
    )
)
crm.companies.batch_api.archive(
    companies.BatchInputSimplePublicObjectId(inputs=[{"id": one.id} for one in made.results[:2]])
)
assert sorted(one.properties["name"] for one in crm.companies.get_all()) == ["Company 2", "Northwind"]

# associations
links = crm.associations.v4
plain = links.basic_api.create_default("contacts", ada.id, "companies", company.id)
assert [one.association_spec.association_type_id for one in plain.results] == [279, 280]
labelled = links.basic_api.create("contacts", ada.id, "companies", company.id, association_spec=[spec(1)])
assert labelled.labels == ["Primary"] and labelled.from_object_type_id == "0-1"
seen = links.batch_api.get_page(
    "contacts", "companies", v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": ada.id}])
)
[result] = seen.results
assert result.to[0].to_object_id == company.id
assert [kind.label for kind in result.to[0].association_types] == ["Primary", None]
listed = links.basic_api.get_page("contacts", ada.id, "deals")
assert [one.to_object_id for one in listed.results] == [deal.id]
nothing = links.batch_api.get_page(
    "contacts", "tickets", v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": ada.id}])
)
assert nothing.results == [] and nothing.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
links.basic_api.archive("contacts", ada.id, "companies", company.id)
assert crm.contacts.basic_api.get_by_id(ada.id, associations=["companies"]).associations is None
labels = crm.associations.v4.schema.definitions_api.get_all("contacts", "companies")
assert ("Primary", 1) in [(one.label, one.type_id) for one in labels.results]

# owners, pipelines, properties
owners = crm.owners.owners_api.get_page(limit=1)
assert owners.paging.next.after and owners.results[0].email
assert crm.owners.get_all()[0].id == owners.results[0].id
assert crm.owners.owners_api.get_by_id(int(owners.results[0].id)).id == owners.results[0].id
[pipeline] = crm.pipelines.pipelines_api.get_all("deals").results
assert "closedwon" in [stage.id for stage in pipeline.stages]
assert crm.pipelines.pipelines_api.get_by_id("tickets", "0").label == "Support Pipeline"
names = [one.name for one in crm.properties.core_api.get_all("contacts").results]
assert {"email", "firstname", "lifecyclestage", "hubspot_owner_id"} <= set(names)
own = crm.properties.core_api.create(
    "companies",
    properties.PropertyCreate(
        name="customer_number", label="Customer number", type="string", field_type="text",
        group_name="companyinformation", has_unique_value=True,
    ),
)
assert own.has_unique_value and not own.hubspot_defined
crm.companies.basic_api.update(company.id, companies.SimplePublicObjectInput(properties={"customer_number": "K-7"}))
assert crm.companies.basic_api.get_by_id("K-7", id_property="customer_number").id == company.id

# the account, through the SDK's way to any path
details = HubSpot(access_token=f"pat-na1-{uuid.uuid4()}", base_url=BASE).api_request({"path": "/account-info/v3/details"})
assert details.json()["uiDomain"] == "app.hubspot.com"

# archive
for _ in range(2):
    crm.contacts.basic_api.archive(ada.id)
refused(404, lambda: crm.contacts.basic_api.get_by_id(ada.id))
assert crm.contacts.basic_api.get_by_id(ada.id, archived=True).archived is True

# connected apps
oauth = client().oauth
grant = dict(client_id=str(uuid.uuid4()), client_secret=str(uuid.uuid4()))
tokens = oauth.tokens_api.create(grant_type="refresh_token", refresh_token="na1-0123456789", **grant)
assert tokens.expires_in == 1800 and tokens.token_type == "bearer" and tokens.refresh_token == "na1-0123456789"
connected = client(tokens.access_token)
assert connected.crm.contacts.get_all() == []
assert oauth.access_tokens_api.get(tokens.access_token).hub_id == oauth.refresh_tokens_api.get("na1-0123456789").hub_id
refused(400, lambda: oauth.tokens_api.create(grant_type="refresh_token", refresh_token="na1-wrong-token", **grant))
oauth.refresh_tokens_api.archive("na1-0123456789")
refused(401, lambda: connected.crm.contacts.basic_api.get_page())

print("the official SDK is satisfied")
