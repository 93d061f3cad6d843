using System.Text.Json;
using FastEndpoints;

namespace Profiles.Infrastructure.Json;

/// <summary>
/// Takes a request from its JSON body alone. The framework's own binder would take a field of the same name from the query, too, and in place of the body's:
/// addresses stand in the logs of every proxy, and no field belongs there.
/// </summary>
sealed class BodyBinder<TRequest>() : RequestBinder<TRequest>(BindingSource.JsonBody) where TRequest : notnull
{
    public override async ValueTask<TRequest> BindAsync(BinderContext ctx, CancellationToken ct)
    {
        try
        {
            return await base.BindAsync(ctx, ct);
        }
        catch (JsonException e)
        {
            // Here and not by the framework's transformer, which would take an exception of the endpoint itself for the client's fault.
            ctx.ValidationFailures.Add(StrictJson.Explain(e));
            throw new ValidationFailureException(ctx.ValidationFailures, "The body is not JSON of the request's form.");
        }
    }
}
