using FastEndpoints;

namespace Profiles.Infrastructure.Json;

/// <summary>
/// Takes a request from its JSON body alone. The framework's own binder would take a field of the same name from the query, too, and in place of the body's:
/// addresses stand in the logs of every proxy, and no field belongs there.
/// </summary>
sealed class BodyBinder<TRequest>() : RequestBinder<TRequest>(BindingSource.JsonBody) where TRequest : notnull;
