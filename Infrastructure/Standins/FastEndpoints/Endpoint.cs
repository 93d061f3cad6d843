using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using FluentValidation;
using FluentValidation.Results;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FastEndpoints;

/// <summary>What every endpoint is to the pipeline, whatever it takes and answers.</summary>
public abstract class BaseEndpoint
{
    /// <summary>The exchange under way.</summary>
    public HttpContext HttpContext { get; internal set; } = null!;

    /// <summary>What <see cref="Configure"/> said.</summary>
    public EndpointDefinition Definition { get; internal set; } = null!;

    /// <summary>Who the bearer token speaks for.</summary>
    public ClaimsPrincipal User => HttpContext.User;

    /// <summary>The endpoint's log.</summary>
    public ILogger Logger => HttpContext.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(GetType());

    /// <summary>Failures added so far.</summary>
    public List<ValidationFailure> ValidationFailures { get; } = [];

    /// <summary>Says the routes, who may call and what is documented.</summary>
    public virtual void Configure() { }

    internal abstract Task RunAsync(HttpContext context);
}

/// <summary>An endpoint that takes a <typeparamref name="TRequest"/> and answers a <typeparamref name="TResponse"/>.</summary>
public abstract class Endpoint<TRequest, TResponse> : BaseEndpoint where TRequest : notnull
{
    public virtual Task<TResponse> ExecuteAsync(TRequest req, CancellationToken ct) => throw new NotSupportedException("An endpoint overrides this.");

    protected void Get(params string[] routePatterns) => Route("GET", routePatterns);

    protected void Post(params string[] routePatterns) => Route("POST", routePatterns);

    protected void Put(params string[] routePatterns) => Route("PUT", routePatterns);

    protected void Patch(params string[] routePatterns) => Route("PATCH", routePatterns);

    protected void Delete(params string[] routePatterns) => Route("DELETE", routePatterns);

    /// <summary>A parameter of the route; null or 0 when it is not there and need not be.</summary>
    protected T? Route<T>(string paramName, bool isRequired = true) where T : IParsable<T> =>
        T.TryParse(HttpContext.Request.RouteValues[paramName]?.ToString(), CultureInfo.InvariantCulture, out var value) ? value
        : isRequired ? throw new BadHttpRequestException($"{paramName} is not valid.") : default;

    protected void AllowAnonymous() => Definition.AnonymousVerbs = Definition.Verbs;

    protected void AllowFileUploads(bool dontAutoBindFormData = false)
    {
        if (!dontAutoBindFormData)
            throw new NotSupportedException("The stand-in binds no forms.");
        Definition.FormDataContentType = "multipart/form-data";
    }

    protected void MaxRequestBodySize(long size) => Definition.MaxRequestSize = size;

    protected void Description(Action<RouteHandlerBuilder> builder) => Definition.Conventions += builder;

    protected void Summary(Action<EndpointSummary<TRequest>> endpointSummary)
    {
        var summary = new EndpointSummary<TRequest>();
        endpointSummary(summary);
        Definition.EndpointSummary = summary;
    }

    internal override async Task RunAsync(HttpContext context)
    {
        var ct = context.RequestAborted;
        var errors = Config.Current.Errors;
        try
        {
            var request = await RequestBinder.BindAsync<TRequest>(context, ct);
            if (Definition.Validator is IValidator<TRequest> validator)
            {
                var result = await validator.ValidateAsync(request, ct);
                ValidationFailures.AddRange(result.Errors);
                if (!result.IsValid)
                {
                    await SendFailuresAsync(context, errors.StatusCode, ct);
                    return;
                }
            }
            // The house's endpoints answer with typed results and nothing else.
            await ((IResult)(object)(await ExecuteAsync(request, ct))!).ExecuteAsync(context);
        }
        catch (JsonException broken) when (Config.Current.Binding.JsonExceptionTransformer is { } transform)
        {
            ValidationFailures.Add(transform(broken));
            await SendFailuresAsync(context, Config.Current.Binding.JsonExceptionStatusCode, ct);
        }
    }

    Task SendFailuresAsync(HttpContext context, int status, CancellationToken ct)
    {
        var body = Config.Current.Errors.ResponseBuilder(ValidationFailures, context, status);
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(body, body.GetType(), options: null, Config.Current.Errors.ContentType, ct);
    }

    void Route(string verb, string[] routePatterns)
    {
        Definition.Verbs = [verb];
        Definition.Routes = routePatterns;
    }
}

/// <summary>An endpoint with a mapper between its request, its response and an entity.</summary>
public abstract class Endpoint<TRequest, TResponse, TMapper> : Endpoint<TRequest, TResponse>
    where TRequest : notnull where TResponse : notnull where TMapper : class, IMapper
{
    /// <summary>The one instance of the mapper.</summary>
    public TMapper Map => MapperCache<TMapper>.Instance;
}

/// <summary>The request of an endpoint that takes none.</summary>
public sealed class EmptyRequest;

/// <summary>An endpoint that reads nothing from its request's body.</summary>
public abstract class EndpointWithoutRequest<TResponse> : Endpoint<EmptyRequest, TResponse>
{
    public virtual Task<TResponse> ExecuteAsync(CancellationToken ct) => throw new NotSupportedException("An endpoint overrides this.");

    public sealed override Task<TResponse> ExecuteAsync(EmptyRequest req, CancellationToken ct) => ExecuteAsync(ct);
}

/// <summary>An endpoint without a request that maps an entity to its response.</summary>
public abstract class EndpointWithoutRequest<TResponse, TMapper> : EndpointWithoutRequest<TResponse>
    where TResponse : notnull where TMapper : class, IMapper
{
    /// <summary>The one instance of the mapper.</summary>
    public TMapper Map => MapperCache<TMapper>.Instance;
}
