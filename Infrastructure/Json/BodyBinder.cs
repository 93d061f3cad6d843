using System.Text.Json;
using FastEndpoints;

namespace Profiles.Infrastructure.Json;

/// <summary>
/// Binds a request from its JSON body alone. The framework's own binder would also read fields from the query, even in place of the body's;
/// but URLs end up in the logs of every proxy, where no field belongs.
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
            // Here and not in the framework's transformer, which would report an endpoint's own JsonException as the client's fault.
            ctx.ValidationFailures.Add(StrictJson.Explain(e));
            throw new ValidationFailureException(ctx.ValidationFailures, "The body is not JSON of the expected form.");
        }
    }
}
